/* SPDX-License-Identifier: Apache-2.0
 * For the engine's tests: things made from short tables, and a bus whose plugin is the test:
 * requests are recorded, and the test answers them. */
#ifndef LINTEL_ENGINE_ENGINE_KIT_H
#define LINTEL_ENGINE_ENGINE_KIT_H
#include "core/engine/engine.h"
#include "tests/kit/kit.h"

struct kit_point {
    const char *name;
    uint32_t kind;              /* LINTEL_K_* */
    enum lintel_data_kind data; /* ANY: of a value of any type */
    double poll, stale;         /* seconds */
    uint32_t flags;             /* LINTEL_P_* */
    int writable;
    double deadband, min, max; /* min = max: no limits */
    const char *scale_from;
    const char *codec;   /* keys of a protocol map, "{}" if NULL */
    const char *natural; /* wire type; NULL: typed values */
};

struct kit_kind; /* a profile with what it needs */
struct kit_kind *kit_kind_new(const struct kit_point *points, uint32_t n, uint32_t plugin_flags);
void kit_kind_free(struct kit_kind *k);
struct lintel_profile *kit_profile(struct kit_kind *k);
const lintel_plugin *kit_plugin(struct kit_kind *k);

enum { KIT_OPS = 4096 };
struct kit_bus { /* the test's side of a bus */
    struct lintel_engine *engine;
    struct lintel_bus *bus;
    struct lintel_op *open[KIT_OPS]; /* by time */
    uint32_t nopen, most_open;
    uint32_t submitted, attached, bound, cancelled; /* attached and bound: now */
    uint32_t kinds[4];
    uint32_t points; /* of all submitted reads */
    int refuse;      /* submit() takes nothing */
    int at_once;     /* submit() answers before it returns */
};
/* Adds a bus of the given name; the kit_bus must live until the engine has ended. */
void kit_bus_add(struct kit_bus *k, struct lintel_engine *e, const char *name,
                 const lintel_plugin *plugin);
/* Ends the i-th open op: a status, or one INT sample a point: base + index of the point in its
 * thing. */
void kit_answer(struct kit_bus *k, uint32_t i, lintel_status status, int64_t base);
void kit_answer_with(struct kit_bus *k, uint32_t i, const lintel_sample *s, uint32_t n);
void kit_answer_all(struct kit_bus *k, int64_t base); /* until nothing is open */
lintel_sample kit_sample(uint32_t slot, lintel_value v);
lintel_value kit_int(int64_t i);
lintel_value kit_real(double r);
lintel_value kit_bool(int b);
lintel_value kit_str(const char *s);

/* A whole: an engine on a fake loop, one bus, and n things "t0", "t1" .. of one kind. */
struct kit_house {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct kit_kind *kind;
    struct kit_bus bus;
    struct lintel_thing *confs;
    char (*ids)[16];
    struct lintel_live_thing **things;
    uint32_t n;
};
int kit_house_new(struct kit_house *h, const struct kit_point *points, uint32_t npoints, uint32_t n,
                  uint32_t plugin_flags);
void kit_house_free(struct kit_house *h);
struct lintel_reading kit_reading(struct kit_house *h, uint32_t thing, uint32_t point);
void kit_advance(struct kit_house *h, double seconds);
#endif
