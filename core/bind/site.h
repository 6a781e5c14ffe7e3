/* SPDX-License-Identifier: Apache-2.0
 * A site: lintel.yaml, models/, bindings/, things/ read, checked as a whole and compiled into what
 * the engine runs. Reading a site starts nothing and changes nothing.
 *
 * The draft's sdfParameters (draft-ietf-asdf-instance-information) stand inside a protocol map, in
 * the flat one or in `read` and `write` each:
 *
 *     sdfProtocolMap: { modbus: { table: input, address: 0, type: u16,
 *                                 sdfParameters: { address: "#/sdfContext/base" } } }
 *
 * Each names a key of that map and, by a pointer that ends in sdfContext/NAME, the entry of the
 * thing's sdfContext whose value stands in for it. The map's own value is the default; without one,
 * the thing must give the entry. Things with equal values share a profile. */
#ifndef LINTEL_BIND_SITE_H
#define LINTEL_BIND_SITE_H
#include <stdint.h>

#include "core/base/map.h"
#include "core/base/report.h"
#include "core/directory/settings.h"
#include "core/model/codec.h"
#include "core/model/sdf.h"
#include "core/trust/rights.h"
#include "lintel/plugin.h"

enum lintel_isolation { LINTEL_ISOLATION_THREAD, LINTEL_ISOLATION_PROCESS };

/* A bus or a transport, as configured. */
struct lintel_port {
    const char *name;
    const lintel_plugin *plugin; /* its tables; functions are those of `code` */
    const lintel_plugin *code; /* the same, to be run inside of the hub; NULL: lintel_port_code() */
    const char *plugin_file;   /* the .so it came from */
    const lintel_value *settings; /* one a row of plugin->bus */
    enum lintel_isolation isolation;
    const char *process; /* name of a shared child (process:NAME); NULL: one of its own */
    int32_t log;         /* level for its plugin; -1: the hub's */
    uint32_t memory;     /* MiB, for its child */
    uint8_t digest[16];  /* equal = nothing changed */
    struct lintel_place at;
};

/* What runs where the port is inside of the hub: its code, else its plugin. */
const lintel_plugin *lintel_port_code(const struct lintel_port *p);

/* One direction of a bound affordance. */
struct lintel_form {
    struct lintel_codec *codec; /* NULL: the affordance has no data in this direction */
    const lintel_value *addr; /* one a row of plugin->address; NULL: not mapped in this direction */
};

/* An affordance of a model as one kind of device does it. */
struct lintel_bound {
    const struct lintel_affordance *affordance;
    struct lintel_form read;  /* properties and events; an action's output */
    struct lintel_form write; /* properties; an action's input */
    int64_t poll_ns;          /* 0: on demand or by push */
    int64_t stale_ns;         /* 0: never */
    double deadband;          /* in the model's unit; 0: every change */
    int32_t scale_from;       /* index in the profile; -1: none */
    uint32_t flags;           /* LINTEL_P_*, what the plugin is told */
    int mapped; /* 0: the binding does not say how; answers 5.01 and shows as unmapped */
};

/* A binding resolved for one plugin: shared by all things of the kind. Immutable, counted. */
struct lintel_profile {
    const char *id; /* the binding's id */
    struct lintel_model *model;
    const lintel_plugin *plugin;
    uint32_t n;
    struct lintel_bound *bound; /* in the order of model->affordances */
    uint8_t digest[16];
    struct lintel_arena *arena;
    struct lintel_map by_path; /* "EnergyMeter/p/activePower" -> &bound[i] */
    uint32_t refs;
};
/* Threads: any; the count is atomic. */
struct lintel_profile *lintel_profile_ref(struct lintel_profile *p);
void lintel_profile_unref(struct lintel_profile *p); /* NULL is fine */

struct lintel_thing { /* as configured; lives as long as its site, or as somebody holds a reference
                       */
    const char *id;
    const char *label, *location, *zone; /* "" = none */
    const char *const *tags;             /* NULL-terminated */
    const char *bus;                     /* name of its port */
    struct lintel_profile *profile;
    const lintel_value *settings; /* one a row of plugin->device */
    uint8_t digest[16];           /* equal = nothing changed */
    struct lintel_place at;
};

struct lintel_site {
    const char *name; /* hub: { name } */
    const char *dir;
    uint32_t nbuses, ntransports, nthings;
    struct lintel_port *buses, *transports;
    struct lintel_thing *things;
    const struct lintel_directory_conf *directory; /* never NULL */
    struct lintel_rights *rights;                  /* NULL: neither identities: nor rights: */
    uint32_t audit_records, audit_days; /* how much of the audit trail is kept; days 0: no end */
    struct lintel_models *models;
    struct lintel_arena *arena;
    uint32_t refs;
};

/* Where a site's files come from; tests and fuzzers keep them in memory. */
struct lintel_site_files {
    void *ctx;
    /* The content, to be freed with lintel_free(): 0; 1: there is no such file; -1 with the reason
     * in the report, also for more than `most` bytes. */
    int (*read)(void *ctx, const char *path, size_t most, char **ret, size_t *ret_n,
                struct lintel_report *report);
    /* Calls each() for what lies in a folder, sorted by name. No such folder: nothing. -1 with the
     * reason. */
    int (*list)(void *ctx, const char *dir,
                void (*each)(void *arg, const char *name, int is_folder), void *arg,
                struct lintel_report *report);
    /* As lintel_secret_read(), core/trust/secret.h. */
    int (*secret)(void *ctx, const char *folder, const char *name, char *text, size_t *ret_n,
                  char *reason, size_t size);
};

/* Plays recordings in the tests of bindings (`replay:`), for the layers below plugins. */
struct lintel_play_source {
    const char *file;  /* for messages */
    const void *bytes; /* of the recording */
    size_t n;
    const lintel_plugin *plugin; /* with its code */
    const struct lintel_profile *profile;
    const lintel_value *settings; /* of the device */
    double at;                    /* seconds from its beginning; below 0: its end */
    struct lintel_place place;    /* of problems */
};
struct lintel_site_player {
    /* The name of the plugin in ret: 0; or -1 with the reason there. */
    int (*plugin)(const char *file, const void *bytes, size_t n, char *ret, size_t size);
    /* NULL with the reasons in the report. The source must live until end(). */
    void *(*play)(const struct lintel_play_source *s, struct lintel_report *report);
    /* What a read of the i-th affordance brought; LINTEL_OK or why not. */
    lintel_status (*value)(void *play, uint32_t i, lintel_value *ret, char reason[LINTEL_REASON]);
    void (*end)(void *play);
};

struct lintel_site_source {
    const char *dir;               /* of lintel.yaml */
    const char *const *model_dirs; /* installed schemas, read before dir/models; NULL-terminated */
    const char *const *binding_dirs; /* installed bindings, read before dir/bindings */
    /* A plugin by name, or NULL with the reasons at `at`; *ret_file: where it was found. */
    const lintel_plugin *(*plugin)(void *ctx, const char *name, struct lintel_place at,
                                   const char **ret_file, struct lintel_report *report);
    /* Whether it came with the hub; transports of others get a process. NULL: all did. */
    int (*plugin_own)(void *ctx, const lintel_plugin *p, const char *file);
    /* The code of a plugin that plugin() gave, where that has only told its tables. wanted:
     * somebody has asked for it to run inside of this process. NULL with the reason. NULL: plugin()
     * gives whole ones. */
    const lintel_plugin *(*plugin_code)(void *ctx, const lintel_plugin *p, int wanted, char *reason,
                                        uint32_t size);
    const char *const *(*plugin_names)(void *ctx); /* for "did you mean"; NULL-terminated */
    void *plugin_ctx;
    const struct lintel_site *before; /* running one: equal profiles are taken from it; or NULL */
    void (*progress)(void *ctx, const char *what, uint32_t done, uint32_t of); /* or NULL */
    void *progress_ctx;
    /* Also run the lintel:tests of every binding that is in use or in dir, and compile the bindings
     * in dir that nothing uses for every installed plugin that they name (else only for those that
     * a bus runs). */
    int run_tests;
    const struct lintel_site_files *files;   /* NULL: the file system */
    const struct lintel_site_player *player; /* NULL: recordings are not played, with a warning */
};
/* NULL with the reasons in the report, sorted by place. Warnings do not refuse. Blocking: files are
 * read. */
struct lintel_site *lintel_site_read(const struct lintel_site_source *s,
                                     struct lintel_report *report);
/* The directory's settings where the site says nothing. */
extern const struct lintel_directory_conf lintel_directory_default;
struct lintel_site *lintel_site_ref(struct lintel_site *s);
void lintel_site_unref(struct lintel_site *s); /* NULL is fine */

/* The keys of a bus or transport that are the hub's: plugin isolation log memory (and unprotected,
 * for transports whose table has it). Of a protocol map: poll stale deadband. Of sdfContext: bus
 * zone location tags label. */
extern const char *const lintel_port_keys[], *const lintel_pace_keys[],
                                                 *const lintel_context_keys[];

/* JSON Schema of each kind of file, for the plugins given: "lintel.yaml", "binding", "things". */
int lintel_schema_print(const char *which, const lintel_plugin *const *plugins, uint32_t n,
                        struct lintel_buf *out);
#endif
