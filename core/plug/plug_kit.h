/* SPDX-License-Identifier: Apache-2.0
 * For tests of hosting: an engine that only records, and plugins of the build tree under it. */
#ifndef LINTEL_PLUG_PLUG_KIT_H
#define LINTEL_PLUG_PLUG_KIT_H
#include "core/plug/instance.h"
#include "core/plug/load.h"

struct lintel_bus { /* what the recording engine knows of a bus */
    char name[64];
    struct lintel_bus_port port;
    int ready, readies, gones, removed, links, dones;
    int held, holds, renewals;   /* while its instance is exchanged */
    const lintel_plugin *plugin; /* of the newest instance, once it was exchanged */
    lintel_status gone_status, link_status, device_status, refused_status;
    char gone[256], link[256], device[256], refused_device[256], refused_point[256];
    uint32_t refused_id;
    uint64_t published;
    double lowest;      /* of the numbers published since the test set it */
    lintel_sample last; /* published; bytes and texts are not kept */
};

struct kit_op {
    struct lintel_op op;
    uint32_t slots[1024];
    int done; /* times it was completed */
    lintel_status status;
    uint32_t n;
    lintel_sample samples[1024];
    char bytes[1024][64]; /* of texts and bytes */
    char detail[1024][64];
    int shared;
};

struct kit_plug {
    struct lintel_loop *loop;
    struct lintel_loader *loader;
    struct lintel_plug *plug;
    char host[1024];
};
void kit_plug_new(struct kit_plug *k);
/* The same on a loop whose time the test moves. host: the program of children; NULL: lintel-host.
 */
void kit_plug_new_fake(struct kit_plug *k, const char *host);
void kit_plug_free(struct kit_plug *k);
const lintel_plugin *kit_plugin(struct kit_plug *k, const char *name, const char **ret_file);

/* A bus on one of the fakes. settings and addresses: "key=value" texts, NULL-terminated. */
struct kit_bus {
    struct lintel_port conf;
    struct lintel_instance *instance;
    struct lintel_bus *bus;
    struct lintel_thing thing;
    lintel_value *settings, *device;
    struct lintel_bound bounds[1024];
    lintel_value *addrs[1024];
    uint32_t nbounds;
    struct lintel_affordance affordance;
};
struct lintel_bus *kit_take_newest(void); /* that was added since; NULL: none. To be freed */
extern uint32_t kit_memory; /* MiB, of children of buses that start from now on; 0: the default */
enum kit_isolation { KIT_THREAD, KIT_PROCESS, KIT_SHARED };
void kit_bus_start(struct kit_plug *k, struct kit_bus *b, const char *plugin, const char *name,
                   enum kit_isolation isolation, const char *const *settings);
/* The bus with other settings; they are the caller's, to be freed by free(). */
void kit_conf(const struct kit_bus *b, const char *const *settings, struct lintel_port *ret);
struct lintel_site *kit_site(void);
int kit_wait_ready(struct kit_plug *k, struct kit_bus *b); /* 0: it did not come */
int kit_attach(struct kit_bus *b, uint32_t device, const char *const *settings);
int kit_bind(struct kit_bus *b, uint32_t slot, uint32_t device, const char *const *addr);
/* values: NULL for reads. */
int kit_submit(struct kit_plug *k, struct kit_bus *b, struct kit_op *op, enum lintel_op_kind kind,
               uint32_t first, uint32_t n, const lintel_value *values, int64_t within_ms);
int kit_wait_op(struct kit_plug *k, struct kit_op *op);
/* Waits until *at has reached least; real time, at most 20 s. */
int kit_wait(struct kit_plug *k, const int *at, int least);
/* The same for ns of real time; a fake clock stands still meanwhile. */
int kit_run(struct kit_plug *k, const int *at, int least, int64_t ns);
void kit_nap(int ms); /* real time, in which the loop does not run */
int kit_wait_count(struct kit_plug *k, const uint64_t *at, uint64_t least);
void kit_bus_stop(struct kit_plug *k, struct kit_bus *b); /* and waits */
void kit_bus_fini(struct kit_bus *b);
const char *kit_log(void);       /* all lines so far, of this kit_plug */
int kit_lines(const char *part); /* how often it stands there */
struct lintel_instance_stats kit_stats(const struct kit_bus *b);
/* Whether a child is being born: that needs real time, and more of it on a busy machine. */
int kit_is_birth(struct kit_plug *k);
void kit_count(void *ctx); /* adds one to an int */
#endif
