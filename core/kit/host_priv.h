/* SPDX-License-Identifier: Apache-2.0
 * Parts of the kit's hub (lintel/kit.h): values.c has settings as text and copies of values,
 * hostside.c what the plugin calls, host.c what the test calls and the loop. */
#ifndef LINTEL_KIT_HOST_PRIV_H
#define LINTEL_KIT_HOST_PRIV_H
#include <pthread.h>

#include "lintel/ext/loop.h"
#include "lintel/kit.h"

enum {
    WATCHES_MOST = 64,
    TIMERS_MOST = 64,
    GRACE_MS = 2000,
    LINTEL_KIT_REASON = 512,
    LOG_MOST = 256 * 1024, /* bytes; a plugin that floods must not take the machine's memory */
    PUBLISHED_MOST = 20000 /* samples that nobody has fetched */
};
#define MS INT64_C(1000000)

enum lintel_kit_phase { /* in this order */
                        PHASE_CREATE,
                        PHASE_LIVE,
                        PHASE_STOPPED,
                        PHASE_DESTROYED
};

struct piece { /* memory that dies with its owner */
    struct piece *next;
    _Alignas(16) char bytes[];
};
struct device {
    struct device *next;
    lintel_device d;
    lintel_status status;
};
struct point {
    struct point *next;
    lintel_point p;
};
struct request {
    struct request *next;
    lintel_request r;
    struct lintel_kit_result *result; /* NULL: taken by the test */
    int done;
    lintel_mono began, ended, end_at; /* real time; end_at: of its cancellation, 0 = none */
    int told;
};
struct kept { /* a result and the memory of its copies */
    struct lintel_kit_result result;
    struct piece *pieces;
};
struct watch {
    int fd;
    uint32_t events;
    void (*fn)(void *arg, int32_t fd, uint32_t ready);
    void *arg;
};
struct timer {
    lintel_mono at;
    void (*fn)(void *arg);
    void *arg;
};
struct lintel_kit {
    lintel_host host; /* first: the plugin's handle is this object */
    const lintel_plugin *plugin;
    void *self;
    pthread_t inst;
    struct lintel_kit *grave; /* the next one */
    enum lintel_kit_phase phase;
    int real_time, started, stopped;
    uint32_t cancel_in, stop_in; /* ms */
    lintel_mono stop_at;         /* real time; 0: not */
    lintel_mono fake_now;
    struct piece *pieces;
    struct device *devices;
    struct point *points;
    struct request *requests;
    int ndevices, npoints;
    struct watch watches[WATCHES_MOST]; /* free where fn is NULL */
    struct timer timers[TIMERS_MOST];
    int wake[2];
    pthread_mutex_t lock; /* of all below and of devices' status, requests' done and result */
    struct kept *published;
    lintel_status link;
    uint32_t nlinks;
    char *log;
    size_t nlog; /* its bytes */
};

/* values.c */
void *lintel_kit_must(void *p); /* ends the program without memory */
void *lintel_kit_keep(struct piece **owner, size_t n);
char *lintel_kit_keep_text(struct piece **owner, const char *s, size_t n);
void lintel_kit_pieces_free(struct piece *p);
lintel_mono lintel_kit_real_now(void);
/* What the hub would make of the settings; NULL with lintel_kit_refusal() where it would refuse
 * them. */
lintel_value *lintel_kit_values_of(struct lintel_kit *h, const lintel_field *table,
                                   const char *const *settings);
void lintel_kit_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
void lintel_kit_copy_sample(struct piece **owner, const lintel_sample *s, lintel_sample *ret);
struct kept *lintel_kit_kept_new(uint32_t n);

/* hostside.c */
extern const lintel_host lintel_kit_host_table;
lintel_mono lintel_kit_host_now(const lintel_host *host);
/* Complains unless ok; returns ok. Any thread. */
int lintel_kit_expect(int ok, uint32_t rule, const char *what);

/* transport.c: the sides of lintel.transport/1 and lintel.resources/1; NULL for others. */
const void *lintel_kit_transport_extension(const char *id);
struct lintel_kit *lintel_kit_of(const lintel_host *host);
#endif
