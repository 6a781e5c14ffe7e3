/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/plugin.h - the ABI between the hub and a protocol plugin.   ABI 1.1
 *
 * Rules for everything below, unless a comment says otherwise:
 *  threads    [inst] called on the instance's own thread: calls for one instance never overlap, so a
 *             plugin needs no lock.  [any] callable from every thread, also concurrently.
 *  ownership  arguments are borrowed: valid until the call returns. Whoever wants to keep a thing
 *             copies it. No side ever frees memory of the other side.
 *  time       lintel_mono: ns of CLOCK_MONOTONIC.  lintel_wall: ns since 1970-01-01 UTC, 0 = not known.
 *  text       UTF-8, NUL-terminated, not NULL, unless a length stands beside it.
 *  growth     a struct that starts with `size` gets new members at its end only; the maker sets
 *             size = sizeof, the user asks LINTEL_HAS() first. All other layouts are frozen in ABI 1.
 *  errors     LINTEL_OK or a negative lintel_status. A plugin never exits, aborts, forks, installs
 *             signal handlers or changes the locale; every descriptor it opens is close-on-exec.
 *
 * What travels: a plugin moves *raw* values and never scales, names or judges them. Bytes of a wire
 * format are LINTEL_T_BYTES in wire order; a protocol with typed values (a coil, a BACnet REAL) hands
 * over the typed value. The hub decodes them by the binding, encodes them for writes, and tells the
 * plugin with each point how many bytes it needs (lintel_point.wire_bytes).
 */
#ifndef LINTEL_PLUGIN_H
#define LINTEL_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_ABI_MAJOR 1u /* plugin and hub must be equal */
#define LINTEL_ABI_MINOR 1u /* the plugin's must be <= the hub's */
#define LINTEL_ENTRY_MAGIC 0x4c4e5431u

/* Whether *p is new enough to have member m, and m is set. */
#define LINTEL_HAS(p, m)                                                                           \
    ((p) && (p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m) && (p)->m)

typedef int64_t lintel_mono; /* ns */
typedef int64_t lintel_wall; /* ns */

/* Not an enum: its width is part of the ABI. Each code is a decision for the hub, see docs/plugin-abi.md. */
typedef int32_t lintel_status;
enum {
    LINTEL_OK = 0,
    LINTEL_E_FAIL = -1,       /* the plugin is in trouble; the text says why */
    LINTEL_E_NOMEM = -2,      /* out of memory */
    LINTEL_E_CONFIG = -3,     /* a setting can't be: the bus stays down until the file changes */
    LINTEL_E_ADDRESS = -4,    /* the device has no such address: the point rests until the file changes */
    LINTEL_E_TYPE = -5,       /* a value of this type can't go there */
    LINTEL_E_RANGE = -6,      /* the device refused the value as out of range */
    LINTEL_E_NOTSUP = -7,     /* the protocol or the device can't do that */
    LINTEL_E_DENIED = -8,     /* the device refused us */
    LINTEL_E_TIMEOUT = -9,    /* no answer until the deadline */
    LINTEL_E_CANCELLED = -10, /* the hub wanted it so */
    LINTEL_E_LINK = -11,      /* no connection */
    LINTEL_E_PROTO = -12,     /* an answer that breaks the protocol */
    LINTEL_E_DEVICE = -13,    /* the device answered with an error of its own */
    LINTEL_E_BUSY = -14       /* not now; try again soon */
};

enum { /* lintel_value.type */
    LINTEL_T_NULL = 0,
    LINTEL_T_BOOL = 1,  /* as.i: 0 or 1 */
    LINTEL_T_INT = 2,   /* as.i */
    LINTEL_T_UINT = 3,  /* as.u; used for numbers above INT64_MAX, LINTEL_T_INT for all others */
    LINTEL_T_REAL = 4,  /* as.r; finite */
    LINTEL_T_STR = 5,   /* as.s: len bytes of UTF-8, a NUL behind them */
    LINTEL_T_BYTES = 6, /* as.p: len bytes */
    LINTEL_T_LIST = 7,  /* as.list: len values */
    LINTEL_T_MAP = 8    /* as.map: len members */
};

struct lintel_member;
typedef struct lintel_value {
    uint32_t type, len; /* LINTEL_T_*; length where the type has one, else 0 */
    union {
        int64_t i;
        uint64_t u;
        double r;
        const char *s;
        const void *p;
        const struct lintel_value *list;
        const struct lintel_member *map;
    } as;
} lintel_value;

typedef struct lintel_member {
    const char *name;
    lintel_value value;
} lintel_member;

enum { /* lintel_field.flags */
    LINTEL_F_REQUIRED = 1,
    LINTEL_F_SECRET = 2, /* never shown; may be given as secret:NAME */
    LINTEL_F_FILE = 4    /* a path; a relative one is made absolute, from the site's folder */
};

/* One row of a table of settings or of address keys. The hub parses and checks the user's files
 * against the table, and makes JSON Schema and manual pages of it; the plugin gets one lintel_value a
 * row, in the order of the rows, of exactly the row's type, or LINTEL_T_NULL where an optional row
 * without default was left out. A table ends with a row whose name is NULL. Names are camelCase. */
typedef struct lintel_field {
    const char *name;    /* not one of the hub's own keys (lintel-binding(5), lintel.yaml(5)) */
    const char *help;    /* one sentence for the manual */
    const char *dflt;    /* the default, as text; NULL: none */
    const char *choices; /* "coil|holding": people write a word, the plugin gets LINTEL_T_INT 0, 1 ..
                          * (type INT or STR); else NULL */
    const char *natural; /* address tables, with choices: the wire type each choice implies,
                          * "bool|u16"; else NULL */
    const char *unit;    /* "ms", "s", "bytes"; NULL: none. For the manual */
    double min, max;     /* inclusive, for INT and REAL; equal: no limit */
    uint32_t type;       /* LINTEL_T_BOOL, _INT, _REAL, _STR; _LIST: of LINTEL_T_STR */
    uint32_t flags;      /* LINTEL_F_* */
} lintel_field;

typedef struct lintel_device { /* one thing on this bus */
    uint32_t size;
    uint32_t id;                  /* stable from attach() to detach() */
    const char *name;             /* thingId; valid until detach() */
    const lintel_value *settings; /* one a row of lintel_plugin.device; valid until detach() */
    void *cookie;                 /* the plugin's own; the hub never looks at it */
} lintel_device;

enum { /* lintel_point.kind */
    LINTEL_K_PROPERTY = 0,
    LINTEL_K_ACTION = 1,
    LINTEL_K_EVENT = 2
};
enum { /* lintel_point.flags */
    LINTEL_P_READ = 1,
    LINTEL_P_WRITE = 2,
    LINTEL_P_NOTIFY = 4 /* values are wanted by publish(); subscribe() is called for it */
};

typedef struct lintel_point { /* one affordance of one device, as the binding declares it */
    uint32_t size;
    uint32_t id; /* stable from bind() to unbind(), unique on the bus */
    uint32_t kind, flags;
    uint32_t wire_bytes;       /* bytes of the raw value when read; 0: not fixed */
    uint32_t write_wire_bytes; /* the same of the written one */
    lintel_device *device;
    const lintel_value *addr;       /* one a row of lintel_plugin.address; valid until unbind() */
    const lintel_value *write_addr; /* the same for writes and actions; often equal to addr */
    const char *name;               /* for messages only; valid until unbind() */
    void *cookie;                   /* the plugin's own */
} lintel_point;

typedef struct lintel_request { /* valid until the plugin has completed it */
    uint32_t size;
    uint32_t npoints;
    lintel_point *const *points; /* bound ones of this instance, in no order; reads: of one device */
    const lintel_value *values;  /* write(), invoke(): one a point; scan(): one a row of its table */
    lintel_mono deadline;        /* finish by then, with LINTEL_E_TIMEOUT at the latest */
    uint32_t batch;              /* equal non-zero number = same points as before: keep your plan */
    uint32_t priority;           /* write(): 1 (life safety) .. 16; 0: none given */
} lintel_request;

enum { /* lintel_sample.quality: what the device says of a valid value */
    LINTEL_Q_OVERRIDDEN = 1,
    LINTEL_Q_OUT_OF_SERVICE = 2
};

typedef struct lintel_sample {
    uint32_t point; /* lintel_point.id */
    uint32_t quality;
    lintel_status status; /* value counts only with LINTEL_OK */
    uint32_t reserved;    /* 0 */
    lintel_wall when;     /* the device's own time where it has one, else 0 */
    lintel_value value;   /* raw. Neighbouring samples whose BYTES are the same memory (pointer and
                           * length) are one payload that feeds many points: it is parsed once */
    const char *detail;   /* NULL, or one line for people when status is an error */
} lintel_sample;

enum { LINTEL_LOG_ERROR = 0, LINTEL_LOG_WARN = 1, LINTEL_LOG_INFO = 2, LINTEL_LOG_DEBUG = 3 };

typedef struct lintel_host lintel_host;
struct lintel_host { /* all [any], but not before create() has returned; valid until destroy() returns */
    uint32_t size, abi_minor;
    /* One line without line end. No secret may stand in it. */
    void (*log)(const lintel_host *h, int32_t level, const char *line);
    /* Ends a request; exactly once for each. With LINTEL_OK, n samples, one a point, in any order
     * (a point left out counts as LINTEL_E_FAIL); with an error status, n = 0 fails all points. */
    void (*complete)(const lintel_host *h, const lintel_request *r, lintel_status st,
                     const lintel_sample *s, uint32_t n);
    /* New values that nobody asked for now. Unknown points are dropped and counted. */
    void (*publish)(const lintel_host *h, const lintel_sample *s, uint32_t n);
    /* The connection went up (LINTEL_OK) or down (the reason). The hub marks points stale, and logs. */
    void (*link)(const lintel_host *h, lintel_status st, const char *detail);
    /* The same for one device behind the connection (MQTT availability, BACnet I-Am). */
    void (*device)(const lintel_host *h, const lintel_device *d, lintel_status st,
                   const char *detail);
    /* Nonzero once r was cancelled or its deadline passed; for loops in a blocking plugin. */
    int32_t (*cancelled)(const lintel_host *h, const lintel_request *r);
    lintel_mono (*now)(const lintel_host *h); /* use these, not the OS: tests fake them */
    lintel_wall (*wall)(const lintel_host *h);
    const void *(*extension)(const lintel_host *h, const char *id); /* "lintel.loop/1", ..; or NULL */
};

enum { /* lintel_plugin.flags */
    LINTEL_PLUGIN_BLOCKING = 1, /* calls may block until the deadline; one request at a time.
                                 * Others return at once, and may use lintel.loop/1. */
    LINTEL_PLUGIN_PUSH = 2,     /* values come by themselves: `poll` is 0 unless the binding says so,
                                 * and subscribe() is called for what can be read */
    LINTEL_PLUGIN_TRANSPORT = 4 /* a transport plugin, lintel/transport.h */
};
enum { /* lintel_plugin.needs: what it wants of the system; a child process gets no more */
    LINTEL_NEED_NETWORK = 1,
    LINTEL_NEED_SERIAL = 2,
    LINTEL_NEED_FILES = 4,
    LINTEL_NEED_ADDRESSES = 8 /* adds addresses to interfaces; ABI 1.1 */
};

/* Static const in the plugin. Members marked * may be NULL. */
typedef struct lintel_plugin {
    uint32_t size, flags, needs;
    uint32_t unit_bytes;       /* bytes in one address of the protocol (Modbus register: 2); else 1 */
    const char *name;          /* [a-z][a-z0-9-]{0,31}; the key of protocol maps and of `plugin:` */
    const char *version;       /* of the plugin */
    const char *summary;       /* one line */
    const char *natural;       /* the wire type where neither the binding nor the address says one */
    const lintel_field *bus;     /* settings of one bus (one connection) */
    const lintel_field *device;  /* * settings of one device on it: keys of sdfContext */
    const lintel_field *address; /* * address keys of one point: keys of sdfProtocolMap */
    /* One connection. settings: one a row of `bus`. No I/O here, and no call of the host but log().
     * On error *self stays untouched. [inst] */
    lintel_status (*create)(const lintel_host *h, const lintel_value *settings, void **self);
    void (*destroy)(void *self);        /* after stop(); frees all                        [inst] */
    lintel_status (*start)(void *self); /* * may do I/O; not being connected yet is no error [inst] */
    void (*stop)(void *self);           /* * completes open requests, ends I/O            [inst] */
    /* Check what the files say, set the cookie. An error rests the device or the point, with the
     * text that was logged last. Both may come before and after start(). */
    lintel_status (*attach)(void *self, lintel_device *d); /* *                           [inst] */
    void (*detach)(void *self, lintel_device *d);          /* * its points are unbound    [inst] */
    lintel_status (*bind)(void *self, lintel_point *p);    /* *                           [inst] */
    void (*unbind)(void *self, lintel_point *p);           /* * no request has it open    [inst] */
    /* Each ends with host->complete(), now or later. A read's sample with LINTEL_OK and LINTEL_T_NULL says
     * that the value came by publish() just before. A write of LINTEL_T_NULL releases the point (a
     * BACnet relinquish); a write's sample carries the value read back, or LINTEL_T_NULL. invoke()'s
     * sample carries the raw output, or LINTEL_T_NULL. subscribe() completes when the source has
     * accepted; values then come by publish() until unsubscribe() or unbind(). */
    void (*read)(void *self, const lintel_request *r);        /* *                        [inst] */
    void (*write)(void *self, const lintel_request *r);       /* *                        [inst] */
    void (*invoke)(void *self, const lintel_request *r);      /* *                        [inst] */
    void (*subscribe)(void *self, const lintel_request *r);   /* *                        [inst] */
    void (*unsubscribe)(void *self, const lintel_request *r); /* *                        [inst] */
    /* * Complete r soon. Never called on a blocking plugin, which asks cancelled().      [inst] */
    void (*cancel)(void *self, const lintel_request *r);
    /* * "lintel.transport/1", "lintel.given/1", ..; self may be NULL: the plugin's own.  [any] */
    const void *(*extension)(void *self, const char *id);
} lintel_plugin;

/* The one exported symbol. Data, not a function: it is read before any function of the plugin runs. */
typedef struct lintel_entry {
    uint32_t magic, size, abi_major, abi_minor;
    uint32_t plugin_size; /* sizeof(lintel_plugin) when it was built */
    uint32_t nplugins;
    const lintel_plugin *const *plugins;
} lintel_entry;

#define LINTEL_ENTRY_SYMBOL "lintel_plugin_entry"
#if defined(__GNUC__)
#define LINTEL_EXPORT __attribute__((visibility("default")))
#else
#define LINTEL_EXPORT
#endif
#define LINTEL_PLUGIN_ENTRY(...)                                                                   \
    static const lintel_plugin *const lintel_plugins_[] = {__VA_ARGS__};                           \
    LINTEL_EXPORT extern const lintel_entry lintel_plugin_entry;                                   \
    const lintel_entry lintel_plugin_entry = {                                                     \
        LINTEL_ENTRY_MAGIC,    sizeof(lintel_entry),                                               \
        LINTEL_ABI_MAJOR,      LINTEL_ABI_MINOR,                                                   \
        sizeof(lintel_plugin), sizeof lintel_plugins_ / sizeof *lintel_plugins_,                   \
        lintel_plugins_}

#ifdef __cplusplus
}
#endif
#endif
