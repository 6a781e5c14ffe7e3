/* SPDX-License-Identifier: Apache-2.0
 * What the files of the resource tree share, and nobody else includes: the request on its way, and
 * exchanges that are answered later. Loop's thread. */
#ifndef LINTEL_SERVE_INSIDE_H
#define LINTEL_SERVE_INSIDE_H
#include "core/base/text.h"
#include "core/engine/subscribe.h"
#include "core/serve/codes.h"
#include "core/serve/format.h"
#include "core/serve/trail.h"
#include "core/serve/tree_source.h"
#include "core/trust/rights.h"

enum {
    LINTEL_OPEN_MOST = 65536, /* exchanges not ended, observations included */
    LINTEL_OPEN_BLOCK = 256,  /* they are allocated in blocks and never move */
    LINTEL_PATH_MOST = 512    /* bytes of the path below a thing */
};

struct lintel_audit_look;
struct lintel_recorded;
struct lintel_rd;
struct lintel_mount;
struct lintel_open;
struct lintel_selection; /* selection.h */
struct lintel_tree {
    struct lintel_tree_source source;
    char *hub; /* name; also the first part of SenML names */
    lintel_mono started;
    struct lintel_open *blocks[LINTEL_OPEN_MOST / LINTEL_OPEN_BLOCK];
    uint32_t nblocks, free, nopen; /* free: index + 1 of the first free one */
    struct lintel_buf out;         /* kept between answers, so that no answer allocates */
    int ending, held;
    const struct lintel_site *site; /* NULL: none yet */
    struct lintel_mount *mounts;
    struct lintel_rd *rd;             /* the resource directory */
    struct lintel_audit_look *looks;  /* at the audit trail, under way */
    struct lintel_recorded *recorded; /* answers that wait for the trail */
    char by[200];                     /* lintel_call_by() */
};

/* ---- answering ------------------------------------------------------------------------------- */

struct lintel_asker { /* where answers go */
    lintel_answer_fn *fn;
    void *ctx, *cookie;
};
/* A request on its way through the tree: exactly one of answer, fail and open ends it. */
struct lintel_call {
    struct lintel_tree *tree;
    const lintel_exchange *x;
    struct lintel_asker to;
    lintel_ticket ticket; /* result of submit() */
    /* The path below the thing, or below the root; never with a thing's own prefix. */
    const lintel_span *path;
    uint32_t npath;
    /* The thing that is asked about, and its zone; NULL: it is about none. */
    const char *thing, *zone;
};

/* The tree's buffer, empty, taken out for one answer (a callback may come back into the tree) and
 * put back. */
struct lintel_buf lintel_out_take(struct lintel_tree *t);
void lintel_out_put(struct lintel_tree *t, struct lintel_buf *b);

/* An answer with the bytes of b; out of memory becomes 5.00. */
lintel_answer lintel_answer_of(uint32_t code, int32_t format, uint32_t max_age,
                               struct lintel_buf *b);
/* 2.05 with the bytes of b, and their ETag: equal bytes in one format, equal tag. Out of memory
 * becomes 5.00. */
lintel_answer lintel_answer_content(int32_t format, uint32_t max_age, struct lintel_buf *b);
/* The same of a long one, whose ETag is made as it grows. */
struct lintel_tag {
    uint64_t h; /* of the format and the first n bytes */
    size_t n;
};
void lintel_tag_begin(struct lintel_tag *t, int32_t format);
void lintel_tag_go_on(struct lintel_tag *t, const struct lintel_buf *b);
lintel_answer lintel_answer_tagged(int32_t format, uint32_t max_age, struct lintel_buf *b,
                                   struct lintel_tag *t);
/* Whether the peer has this representation already. */
int lintel_has_etag(const lintel_span *etags, uint32_t n, const lintel_answer *a);

void lintel_call_answer(struct lintel_call *c, const lintel_answer *a);
/* An error with its diagnostic (RFC 7252 section 5.5.2), or as concise problem details (RFC 9290)
 * if Accept asks for that. */
void lintel_call_fail(struct lintel_call *c, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 4.05 that says which methods there are. */
void lintel_call_method(struct lintel_call *c, const char *what, const char *methods);
/* 2.05 with b, tagged, 2.03 where the peer has it; 4.06 unless `format` is accepted. b is given
 * back. */
void lintel_call_document(struct lintel_call *c, int32_t format, uint32_t max_age,
                          struct lintel_buf *b);
/* 4.13 that says how many bytes are taken; 0: it was not for its size. */
void lintel_call_too_large(struct lintel_call *c, uint32_t most, const char *text);
/* Whether the peer takes `format`; answers 4.06 otherwise. */
int lintel_call_accepts(struct lintel_call *c, int32_t format);

/* Whether the peer may do all of `what` (LINTEL_MAY_*; 0: anything at all) in a zone (NULL: in
 * any); else answers 4.01 or 4.03, and the refusal is recorded. */
int lintel_call_may(struct lintel_call *c, const char *zone, uint32_t what);
/* The same question without an answer to the peer: for what is listed to whom. */
int lintel_call_can(const struct lintel_call *c, const char *zone, uint32_t what);
/* The same for somebody whose request is over. */
int lintel_tree_can(const struct lintel_tree *t, const struct lintel_who *who, const char *zone,
                    uint32_t what);
/* Who asks, as the rights see it; texts are the exchange's. */
struct lintel_who lintel_call_whom(const struct lintel_call *c);
/* Records a refusal; the call is answered by the caller. */
void lintel_call_refused(const struct lintel_call *c, enum lintel_trail_what what, const char *why);
/* Who asks: the site's name of the identity, or where from. */
const char *lintel_call_who(const struct lintel_call *c);
/* Who asks and where from, for the record of a command: "alice from [::1]:40312". Valid until the
 * next call of this. */
const char *lintel_call_by(const struct lintel_call *c);

/* ---- answered later -------------------------------------------------------------------------- */

struct lintel_open {
    struct lintel_tree *tree;
    struct lintel_asker to;
    uint32_t index, generation, next_free;
    int used;
    int problem; /* errors as concise problem details (RFC 9290) */
    int32_t format;
    lintel_point_id point;           /* LINTEL_NO_POINT: a whole thing */
    struct lintel_live_thing *thing; /* of the pack */
    lintel_command command;          /* under way; 0: none */
    struct lintel_subscription *subscription;
    struct lintel_conditions conditions;
    int observe;                        /* wanted once the value is read */
    int reliable;                       /* it came by a stream */
    int heartbeat;                      /* the conditions' pmax is ours */
    int does;                           /* a device is asked to: its answer waits for the trail */
    struct lintel_mount *mount;         /* whose plugin answers */
    struct lintel_selection *selection; /* of the pack; NULL: all of it */
    void *work; /* what the request keeps until it ends; freed by work_free, with o still valid */
    void (*work_free)(void *work);
    struct lintel_watching *watching; /* of an observation: to be judged again; NULL: it is none */
};
/* A ticket for the call, or NULL after it was answered with 5.03, or declined (LINTEL_X_AT_ONCE).
 */
struct lintel_open *lintel_call_open(struct lintel_call *c);
/* The open exchange of a ticket; NULL: it has ended. */
struct lintel_open *lintel_open_find(struct lintel_tree *t, lintel_ticket ticket);
/* Sends an answer. Without LINTEL_ANSWER_MORE the exchange has ended before its fn is called. That
 * of a write or an action, if a device saw it, leaves when the audit trail is on the disk. */
void lintel_open_answer(struct lintel_open *o, const lintel_answer *a);
void lintel_open_fail(struct lintel_open *o, uint32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends without a word: command forgotten, subscription ended. */
void lintel_open_close(struct lintel_open *o);
/* recorded.c: keeps the last answer of one that `does` until then, 2 s at most. -1: not kept. */
int lintel_recorded_hold(struct lintel_open *o, const lintel_answer *a);
void lintel_recorded_end(struct lintel_tree *t); /* of the tree: nothing is sent any more */
lintel_ticket lintel_open_ticket(const struct lintel_open *o);
/* Whether it is an observation of somebody who may not read any more: the code that ends it, and
 * the reason; 0: it goes on. */
enum { LINTEL_LOST = 280 };
uint32_t lintel_open_lost(const struct lintel_open *o, char reason[LINTEL_LOST]);

/* ---- queries --------------------------------------------------------------------------------- */

/* The c.* arguments of a query; other arguments are left alone. -1 after the call was answered
 * with 4.00. data: what they are judged against; NULL: a pack, which takes no conditions on values.
 */
int lintel_call_conditions(struct lintel_call *c, const struct lintel_data *data,
                           struct lintel_conditions *ret);
/* A value that does not change is told again so often, so that Max-Age tells an observer of a
 * hub, a bus or a device that is gone, and not of a value that stands still (RFC 7641
 * section 4.3.1). */
enum { LINTEL_HEARTBEAT = 50, LINTEL_OBSERVED_AGE = 60 }; /* s */
/* Makes the observation of kept-up properties such a one, unless the client has said itself what it
 * wants to hear of, or has a stream that tells it. To be called before subscribing. */
void lintel_open_heartbeat(struct lintel_open *o);
/* Max-Age of a representation that is observed: not beyond c.pmax (section 5 of the draft). */
uint32_t lintel_observed_age(const struct lintel_open *o, uint32_t max_age);
#endif
