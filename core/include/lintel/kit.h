/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/kit.h - for the tests of a plugin's author: liblintelkit.a, a static library.
 *
 *   lintel_kit         a hub for one instance in the test's own process: settings as text, requests, and all
 *                      that the plugin says, kept. It watches the contract of lintel/plugin.h and complains.
 *   lintel_kit_peer    a device for the plugin to talk to, over TCP, UDP or a serial line, by a script
 *   lintel_kit_main    a main() that prints TAP
 *
 *   cc $(pkg-config --cflags lintel-kit) test.c plugin.c $(pkg-config --libs lintel-kit)
 *
 * It is no part of the ABI: it is linked into a test and never into a plugin. Functions are for the test's
 * thread. Running out of memory ends the test program.
 */
#ifndef LINTEL_KIT_H
#define LINTEL_KIT_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

/* ---- a hub for one instance ------------------------------------------------------------------ */

struct lintel_kit;
typedef struct lintel_kit lintel_kit;

enum { /* what was broken */
    LINTEL_KIT_TEST = 1,      /* the test itself uses the kit wrongly */
    LINTEL_KIT_LIFE = 2,      /* a call after stop() or destroy() */
    LINTEL_KIT_THREAD = 4,    /* an [inst] function called from another thread */
    LINTEL_KIT_LEFT = 8,      /* a watch or a timer is left after stop() */
    LINTEL_KIT_OPEN = 16,     /* a request is left open by stop() */
    LINTEL_KIT_COMPLETE = 32, /* completed twice, never asked, with a status that there is not */
    LINTEL_KIT_SAMPLE = 64,   /* a sample of a stranger, two of one point */
    LINTEL_KIT_VALUE = 128,   /* a value that is none */
    LINTEL_KIT_PUBLISH = 256, /* of a point or device that is not there */
    LINTEL_KIT_LOG = 512,     /* a log line that is none */
    LINTEL_KIT_CREATE = 1024  /* a call from inside of create() */
};
/* Called, from any thread, with each breach of the contract, in words. NULL, the default: it fails
 * the test that runs in lintel_kit_main(). */
void lintel_kit_on_complaint(void (*fn)(uint32_t rule, const char *what));

/* settings: "key=value" texts against plugin->bus, NULL-terminated; defaults as in the table; a LIST
 * is comma-separated. NULL when create() refuses, or the hub would refuse the settings: then
 * lintel_kit_refusal() says why. real_time 0: now() is a fake clock. The calling thread is the
 * instance's. */
lintel_kit *lintel_kit_new(const lintel_plugin *plugin, const char *const *settings, int real_time);
const char *lintel_kit_refusal(void); /* "" or the reason, and what create() logged */
lintel_status lintel_kit_create_status(void); /* what the last create() returned */
/* stop, unbind, detach, destroy, as far as they were not called yet; complains of requests that were
 * not completed once, and of watches and timers of lintel.loop/1 that are left. NULL is fine. */
void lintel_kit_free(lintel_kit *k);
void *lintel_kit_self(lintel_kit *k);
lintel_status lintel_kit_start(lintel_kit *k);
void lintel_kit_stop(lintel_kit *k);
/* stop to destroy, but what the plugin still calls is noticed until lintel_kit_free(). */
void lintel_kit_end(lintel_kit *k);
/* Moves the fake clock, and runs the timers that become due. */
void lintel_kit_advance(lintel_kit *k, lintel_mono ns);
/* Runs the loop for so long (of real time). */
void lintel_kit_run(lintel_kit *k, uint32_t ms);

/* A device; a point. -1 on refusal, else the id (both count from 1). wire_bytes as the hub would
 * compute it. write_addr NULL: addr. */
int lintel_kit_attach(lintel_kit *k, const char *name, const char *const *settings);
int lintel_kit_bind(lintel_kit *k, int device, uint32_t kind, uint32_t flags, uint32_t wire_bytes,
                    const char *const *addr, const char *const *write_addr);
/* Ends the next requests from outside after so long: by cancelled(), and by cancel() where the plugin
 * does not block; as the hub does on a wish, or before it stops the bus. 0: never. */
void lintel_kit_cancel_in(lintel_kit *k, uint32_t ms);
/* The same, but then stop() is called, as soon as the hub may. */
void lintel_kit_stop_in(lintel_kit *k, uint32_t ms);

struct lintel_kit_result { /* of one request, copied */
    int done;              /* times it was completed: must be 1 */
    lintel_status status;
    uint32_t n, missing;   /* points asked for; of them without a sample, after LINTEL_OK */
    lintel_sample *samples; /* deep copies; in the order of the request's points; status E_FAIL
                             * where none came */
    int64_t late;           /* ns of real time between its deadline and its completion */
    int64_t took;           /* ns of real time from the request to its completion */
};
enum { LINTEL_KIT_READ, LINTEL_KIT_WRITE, LINTEL_KIT_INVOKE, LINTEL_KIT_SUBSCRIBE };
/* Runs one request to its end; done is 0 when it has none at deadline + 2 s (of real time). For plugins
 * that do not block, watches and timers of lintel.loop/1 run here and in all functions that wait. */
struct lintel_kit_result *lintel_kit_request(lintel_kit *k, int op, const int *points, uint32_t n,
                                             const lintel_value *values, uint32_t deadline_ms,
                                             uint32_t batch);
void lintel_kit_result_free(struct lintel_kit_result *r);

/* What was published since the last call, copied, the first 20,000 samples of it; waits up to ms for at
 * least `least`. */
struct lintel_kit_result *lintel_kit_published(lintel_kit *k, uint32_t least, uint32_t ms);
lintel_status lintel_kit_link(lintel_kit *k); /* the last word about the connection; E_FAIL: none */
int lintel_kit_wait_link(lintel_kit *k, lintel_status st, uint32_t ms); /* 1: it came */
uint32_t lintel_kit_links(lintel_kit *k); /* how often the plugin spoke of the connection */
lintel_status lintel_kit_device_status(lintel_kit *k, int device);
const char *lintel_kit_log(lintel_kit *k); /* the lines so far, 256 KiB of them; details of link and device */

/* ---- a device for it to talk to -------------------------------------------------------------- */

enum { LINTEL_KIT_TCP = 0, LINTEL_KIT_UDP = 1, LINTEL_KIT_SERIAL = 2 };
enum { LINTEL_KIT_CLOSE = 1, LINTEL_KIT_RECEIVE_MOST = 4096, LINTEL_KIT_SEND_MOST = 4096 };
typedef struct lintel_kit_peer lintel_kit_peer;
/* What a peer does with n bytes that came (a datagram; of a stream, all since the last that it took). It
 * puts an answer of *ret_n bytes into out, and says how many it took. On the peer's thread. *ret_flags:
 * LINTEL_KIT_CLOSE ends the connection after the answer. */
typedef size_t lintel_kit_answer(void *arg, const uint8_t *in, size_t n, uint8_t out[LINTEL_KIT_SEND_MOST],
                                 size_t *ret_n, uint32_t *ret_flags);
/* A peer on loopback, on a thread of its own. port 0: a free one; of no meaning for a serial line, which is
 * a pseudo terminal. NULL: it can't be made; errno says why. answer NULL: it takes all and is silent. */
lintel_kit_peer *lintel_kit_peer_new(int kind, uint16_t port, lintel_kit_answer *answer, void *arg);
/* The same by a script, a text of lines:
 *   expect 52 00 0c      these bytes must come next
 *   send 72 00 0c 0d 7a  are sent
 *   wait 200             milliseconds
 *   close                the connection (TCP)
 *   silent               from now on takes all, says nothing
 * Each connection of a TCP peer goes on where the last one ended. */
lintel_kit_peer *lintel_kit_peer_script(int kind, const char *script);
uint16_t lintel_kit_peer_port(const lintel_kit_peer *p);
const char *lintel_kit_peer_line(const lintel_kit_peer *p); /* path of the terminal; "" for others */
/* "key=" with the port or the path behind it: a setting. Lives as long as the peer. */
const char *lintel_kit_peer_setting(lintel_kit_peer *p, const char *key);
/* Ends it. 1 if its script was followed to the end; else a complaint says where it was left. */
int lintel_kit_peer_free(lintel_kit_peer *p);

/* ---- main() ---------------------------------------------------------------------------------- */

struct lintel_kit_test {
    const char *name;
    void (*fn)(void);
};
/* Runs each test in a process of its own, for 30 s at most, and prints TAP. An argument chooses those that
 * have it in their name. 0: all passed. LINTEL_KIT_NO_FORK=1: one process and no limit, for debuggers. */
int lintel_kit_main(const struct lintel_kit_test *tests, int argc, char **argv);
#define LINTEL_KIT_CHECK(cond) lintel_kit_check((cond) != 0, #cond, __FILE__, __LINE__)
int lintel_kit_check(int ok, const char *text, const char *file, int line); /* returns ok */

#ifdef __cplusplus
}
#endif
#endif
