/* SPDX-License-Identifier: Apache-2.0
 * A hub for one plugin instance, in the test's own process: settings as text, requests, and
 * everything that the plugin says kept for the test to look at. [inst] calls are made on the test's
 * thread. */
#ifndef LINTEL_TESTS_FAKEHOST_H
#define LINTEL_TESTS_FAKEHOST_H
#include "lintel/plugin.h"

struct fakehost;
/* settings: "key=value" texts against plugin->bus, NULL-terminated; defaults as in the table. A
 * LIST is comma-separated. Fails a CHECK and returns NULL when create() refuses. real_time 0: now()
 * is fake_now. */
struct fakehost *fakehost_new(const lintel_plugin *plugin, const char *const *settings,
                              int real_time);
/* stop, unbind, detach, destroy; checks that each request was completed once, and no watch or timer
 * of lintel.loop/1 is left. NULL is fine. */
void fakehost_free(struct fakehost *h);
void *fakehost_self(struct fakehost *h);
lintel_status fakehost_start(struct fakehost *h);
/* Moves the fake clock, and runs the timers that become due. */
void fakehost_advance(struct fakehost *h, lintel_mono ns);

/* The same for a device and a point; -1 on refusal, else the id (devices and points count from 1
 * each). wire_bytes as the hub would compute it. */
int fakehost_attach(struct fakehost *h, const char *name, const char *const *settings);
int fakehost_bind(struct fakehost *h, int device, uint32_t kind, uint32_t flags,
                  uint32_t wire_bytes, const char *const *addr,
                  const char *const *write_addr /* NULL: addr */);

struct fakehost_result { /* of one request, copied */
    int done;            /* times it was completed: must be 1 */
    lintel_status status;
    uint32_t n;
    lintel_sample *samples; /* deep copies; in the order of the request's points; status E_FAIL
                               where none came */
};
/* Runs one request to its end; done is 0 when it has none at deadline + 2 s (of real time). For
 * plugins that do not block, watches and timers of lintel.loop/1 run here and in all functions that
 * wait. Free with fakehost_result_free. */
enum { FAKEHOST_READ, FAKEHOST_WRITE, FAKEHOST_INVOKE, FAKEHOST_SUBSCRIBE };
struct fakehost_result *fakehost_request(struct fakehost *h, int op, const int *points, uint32_t n,
                                         const lintel_value *values, uint32_t deadline_ms,
                                         uint32_t batch);
void fakehost_result_free(struct fakehost_result *r);

/* What was published since the last call, deep-copied; waits up to ms for at least `least` samples.
 */
struct fakehost_result *fakehost_published(struct fakehost *h, uint32_t least, uint32_t ms);
lintel_status
fakehost_link(struct fakehost *h); /* the last word about the connection; E_FAIL: none */
int fakehost_wait_link(struct fakehost *h, lintel_status st, uint32_t ms); /* 1: it came */
uint32_t fakehost_links(struct fakehost *h); /* how often the plugin spoke of the connection */
lintel_status fakehost_device_status(struct fakehost *h, int device);
const char *fakehost_log(struct fakehost *h); /* all lines so far */
#endif
