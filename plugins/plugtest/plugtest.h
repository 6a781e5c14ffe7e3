/* SPDX-License-Identifier: Apache-2.0
 * What the files of the plugtest resources share: the instance, what clients have stored, and
 * answering. Everything runs on the instance's thread. */
#ifndef LINTEL_PLUGTEST_H
#define LINTEL_PLUGTEST_H
#include "lintel/ext/loop.h"
#include "lintel/ext/resources.h"

#include <stdbool.h>

enum {
    PT_PATH_MOST = 128,  /* bytes of a path, joined by '/' */
    PT_BODY_MOST = 8192, /* beyond it 4.13 with Size1 */
    PT_ITEMS_MOST = 64,  /* stored representations; beyond it 5.03 */
    PT_DELAYED_MOST = 64,
    PT_OBSERVERS_MOST = 256, /* beyond it a client gets the value, but no notifications */
    PT_CREATED_MOST = 8      /* of /large-create: the oldest goes */
};
#define PT_SECOND ((lintel_mono)1000000000)
enum { PT_TEXT = 0, PT_LINKS = 40, PT_XML = 41, PT_JSON = 50 };

struct pt_item { /* a representation that clients may replace or remove */
    char path[PT_PATH_MOST];
    char *body; /* NULL: the place is free */
    size_t n;
    int32_t format;
};

struct pt_delayed {       /* an answer that waits for its time */
    lintel_ticket ticket; /* 0: the place is free */
    lintel_mono due;
    uint32_t code;
    bool has_body;
};

enum pt_stream { PT_OBS, PT_OBS_NON, PT_OBS_LARGE, PT_OBS_PUMPING, PT_STREAMS };
struct pt_observer {
    lintel_ticket ticket; /* 0: the place is free */
    enum pt_stream stream;
};

struct pt {
    const lintel_host *host;
    const lintel_host_loop *loop;
    const lintel_host_resources *tree;
    lintel_mono delay, period;
    struct pt_item items[PT_ITEMS_MOST];
    struct pt_delayed delayed[PT_DELAYED_MOST];
    struct pt_observer observers[PT_OBSERVERS_MOST];
    uint32_t ticks;   /* periods since the start: what the observable resources show */
    bool obs_gone;    /* /obs was deleted; the next period makes it anew */
    uint32_t counter; /* POSTs to /counter */
    uint32_t created; /* the number of the last one made by POST /large-create */
};

/* ---- plugtest_answer.c ----------------------------------------------------------------------- */

/* A code without payload. */
void pt_code(struct pt *p, lintel_ticket t, uint32_t code);
void pt_fail(struct pt *p, lintel_ticket t, uint32_t code, const char *why);
/* 2.05 with an ETag made of the bytes; 2.03 where the peer has them, 4.06 where it does not take
 * the format. */
void pt_content(struct pt *p, lintel_ticket t, const lintel_exchange *x, int32_t format,
                const void *body, size_t n);
/* 2.01, 2.04 .. with a location: segments and pieces of a query, '/' and '&' between them. */
void pt_located(struct pt *p, lintel_ticket t, uint32_t code, const char *path, const char *query);
bool pt_accepts(const lintel_exchange *x, int32_t format);
uint32_t pt_tag(uint8_t etag[8], int32_t format, const void *body, size_t n);
/* Lines of 64 bytes, n in all, the first says `title`. */
void pt_fill(char *body, size_t n, const char *title);

/* ---- plugtest_store.c ------------------------------------------------------------------------ */

struct pt_item *pt_item_find(struct pt *p, const char *path);
/* NULL: no place, or no memory. */
struct pt_item *pt_item_put(struct pt *p, const char *path, int32_t format, const void *body,
                            size_t n);
void pt_item_remove(struct pt_item *i);
void pt_items_fini(struct pt *p);
/* GET, PUT, POST and DELETE of a stored path, with the conditions of RFC 7252 5.10.8. PUT makes
 * what is not there if `creates`. Returns the code; 0: a GET, whose item stands in *ret. */
uint32_t pt_store(struct pt *p, const lintel_exchange *x, const char *path, bool creates,
                  struct pt_item **ret);

/* ---- plugtest_observe.c ---------------------------------------------------------------------- */

void pt_observable(struct pt *p, lintel_ticket t, const lintel_exchange *x, enum pt_stream stream);
void pt_observer_gone(struct pt *p, lintel_ticket t);
lintel_status pt_observe_start(struct pt *p);
void pt_observe_stop(struct pt *p);

/* ---- plugtest_resources.c -------------------------------------------------------------------- */

lintel_status pt_resources_mount(struct pt *p);
void pt_resources_request(void *self, lintel_ticket t, const lintel_exchange *x);
void pt_resources_abandoned(void *self, lintel_ticket t);
void pt_resources_stop(struct pt *p);
#endif
