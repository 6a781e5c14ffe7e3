/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the plugin share. modbus.c holds the tables and checks settings and addresses,
 * modbus_read.c and modbus_write.c carry out requests, modbus_given.c reads a binding's tests. */
#ifndef LINTEL_MODBUS_H
#define LINTEL_MODBUS_H
#include "lintel/plugin.h"
#include "modbus_learn.h"
#include "modbus_link.h"
#include "modbus_plan.h"

struct mb_bus { /* one instance */
    const lintel_host *host;
    struct mb_conf conf;
    lintel_mono timeout; /* of a response */
    struct mb_link *link;
    lintel_sample *samples; /* of a write */
    uint32_t room;
    char *texts; /* that conf points into */
};

struct mb_device {
    uint8_t unit;
    int write_single; /* functions 5 and 6 for what fits them */
    uint32_t write_most;
    lintel_mono timeout;
    struct mb_limits limits;
    struct mb_range *forbidden;
    struct mb_learned learned;
    struct mb_cached *plans; /* modbus_read.c */
};

struct mb_target { /* where a value lies */
    enum mb_table table;
    uint32_t address, count; /* count: registers, or one bit */
    uint32_t bytes;          /* of the raw value */
    int function;            /* of a write, as demanded; 0: by the device's settings */
};

struct mb_point {
    struct mb_target read, write; /* count 0: not in this direction */
    uint8_t pulse[2];             /* what an action without input writes */
    /* The device refused this address: it is not asked again before `refused_until`. */
    lintel_mono refused_until;
    uint32_t refused_generation;
    int refused; /* the exception's code */
};

/* Texts that live until a request is completed; what exceeds them goes without. */
enum { MB_DETAILS_MOST = 16 };
struct mb_details {
    uint32_t n;
    char text[MB_DETAILS_MOST][MB_DETAIL];
};
const char *mb_detail(struct mb_details *d, const char *why);
/* "exception 2: illegal data address (holding 40..45, unit 3)" */
void mb_say_exception(char *why, int code, enum mb_table t, uint32_t address, uint32_t count,
                      uint8_t unit);

/* The addresses as in a target; NULL addr: ret->count is 0. 0 with why[MB_DETAIL] where it can't
 * be. */
int mb_target_read(const lintel_value *addr, uint32_t wire_bytes, struct mb_target *ret, char *why);
/* A register block's bytes as the raw value of a target. */
lintel_value mb_raw(const struct mb_target *t, const uint8_t *registers);

void mb_read(void *self, const lintel_request *r);
void mb_write(void *self, const lintel_request *r);
void mb_invoke(void *self, const lintel_request *r);
void mb_forget_plans(struct mb_device *d);

/* The bus' settings, without host and device. */
void mb_conf_read(struct mb_conf *c, const lintel_value *settings);
/* The limits of a device's settings; *ret_forbidden, which they point to, is the caller's. On an
 * error why[MB_DETAIL] says what is wrong. */
lintel_status mb_limits_read(const lintel_value *settings, struct mb_limits *ret,
                             struct mb_range **ret_forbidden, char *why);
int mb_baud_from(double least); /* the slowest that is as fast; 0: none */

struct lintel_plugin_given;
extern const struct lintel_plugin_given mb_given;
#endif
