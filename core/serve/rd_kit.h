/* SPDX-License-Identifier: Apache-2.0
 * For the tests of the directory: a tree on the fake clock and engine, peers that ask it, what they
 * were told, and what the tree sent itself. */
#ifndef LINTEL_SERVE_RD_KIT_H
#define LINTEL_SERVE_RD_KIT_H
#include "core/bind/site.h"
#include "core/serve/codes.h"
#include "core/serve/fake_engine.h"
#include "core/serve/format.h"
#include "core/serve/tree.h"

#define SECOND INT64_C(1000000000)
#define IS(dotted) ((unsigned)(dotted) / 100 * 32 + (unsigned)(dotted) % 100) /* 2.05: IS(205) */

struct peer { /* the one who asks next; all zero: loopback without an origin */
    const char *peer, *origin, *identity, *authority;
    uint32_t flags;
    uint64_t session;
    uint32_t scope;
    char echo[8]; /* sent when echo_n != 0 */
    size_t echo_n;
};
struct rd_kit {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_tree *tree;
    struct lintel_site site; /* with `conf`; counts from rd_begin() on */
    struct lintel_directory_conf conf;
    struct peer who;
    const char *base; /* how the peer reaches the tree */
    int32_t format;   /* of the next payload; LINK unless set */
    const char *etag;
    size_t etag_n;
    /* the last answer */
    int answers;
    uint32_t code, flags, max_age, size1;
    int32_t answer_format;
    char text[1 << 23];
    size_t n;
    char location[80]; /* "/rd/..." */
    char echo[8];
    size_t echo_n;
    uint8_t answer_etag[8];
    /* what the tree sent last */
    int sent;
    char uri[256], sent_etag[8];
    size_t sent_etag_n;
    uint64_t sent_session;
    int gone;        /* the transport of all requests so far */
    int sent_anyhow; /* by any transport */
    lintel_ticket sent_ticket;
    lintel_status send_status;
};
extern struct rd_kit k;

void rd_begin(void);
void rd_begin_with(struct lintel_store *store);
void rd_end(void); /* everything must have been ended */
void rd_advance(int64_t ns);
/* Asks; path and query as in a URI, without escapes: "/rd?ep=a&lt=60". The ticket. */
lintel_ticket rd_ask(uint32_t method, const char *uri, const char *payload);
/* The same, and the code of the answer, which must have come. */
uint32_t rd_code(uint32_t method, const char *uri, const char *payload);
/* Registers; the location, to be kept by the caller in out[80]. */
const char *rd_register(const char *query, const char *links, char out[80]);
/* GET; the text. */
const char *rd_get(const char *uri);
lintel_ticket rd_observe(const char *uri);
/* Answers what the tree sent. */
void rd_reply(uint32_t code, int32_t format, uint32_t max_age, const char *etag,
              const char *payload);
#endif
