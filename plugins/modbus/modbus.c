/* SPDX-License-Identifier: Apache-2.0
 * Modbus: TCP and serial lines. Tables of settings, and the checks that go beyond a table. */
#include "modbus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lintel/ext/given.h"
#include "modbus_need.h"
#include "modbus_time.h"

#define MS INT64_C(1000000)
#define TIMEOUT_TCP (1000 * MS) /* a gateway may have a slow line behind it */
#define TIMEOUT_RTU (500 * MS)  /* a unit that begins later than this is rare */

enum { /* rows of bus_table */
       BUS_TRANSPORT,
       BUS_HOST,
       BUS_PORT,
       BUS_DEVICE,
       BUS_BAUD,
       BUS_PARITY,
       BUS_DATA_BITS,
       BUS_STOP_BITS,
       BUS_RS485,
       BUS_TIMEOUT,
       BUS_CONNECT_TIMEOUT,
       BUS_PAUSE,
       BUS_RECONNECT,
       BUS_CHECK_UNIT,
       BUS_CHECK_TRANSACTION
};
static const lintel_field bus_table[] = {
    {"transport", "How the devices are reached.", "tcp", "tcp|rtu", NULL, NULL, 0, 0, LINTEL_T_STR,
     0},
    {"host", "Name or address of the device or gateway; for tcp.", NULL, NULL, NULL, NULL, 0, 0,
     LINTEL_T_STR, 0},
    {"port", "Its TCP port.", "502", NULL, NULL, NULL, 1, 65535, LINTEL_T_INT, 0},
    {"device", "Serial line, best by its stable name in /dev/serial/by-id; for rtu.", NULL, NULL,
     NULL, NULL, 0, 0, LINTEL_T_STR, LINTEL_F_FILE},
    {"baud", "Speed of the serial line.", "9600",
     "1200|2400|4800|9600|19200|38400|57600|115200|230400|460800|921600", NULL, "bit/s", 0, 0,
     LINTEL_T_STR, 0},
    {"parity", "Parity of the serial line.", "none", "none|even|odd", NULL, NULL, 0, 0,
     LINTEL_T_STR, 0},
    {"dataBits", "Data bits of the serial line.", "8", NULL, NULL, NULL, 7, 8, LINTEL_T_INT, 0},
    {"stopBits", "Stop bits of the serial line.", "1", NULL, NULL, NULL, 1, 2, LINTEL_T_INT, 0},
    {"rs485",
     "Who turns the line's driver on for sending: the adapter itself, the kernel, or the RTS "
     "signal.",
     "adapter", "adapter|kernel|rts-up|rts-down", NULL, NULL, 0, 0, LINTEL_T_STR, 0},
    {"timeout", "Longest wait for a device's answer; without, 1000 on tcp and 500 on rtu.", NULL,
     NULL, NULL, "ms", 1, 60000, LINTEL_T_INT, 0},
    {"connectTimeout", "Longest wait for a connection.", "3000", NULL, NULL, "ms", 1, 60000,
     LINTEL_T_INT, 0},
    {"pauseBetween", "Silence kept between two frames; on a serial line at least 3.5 characters.",
     "0", NULL, NULL, "ms", 0, 10000, LINTEL_T_INT, 0},
    {"reconnectMost",
     "Longest wait between two attempts to connect; they begin with half a second.", "30", NULL,
     NULL, "s", 1, 3600, LINTEL_T_INT, 0},
    {"checkUnit", "Refuse answers that bear another unit than was asked; for tcp.", "yes", NULL,
     NULL, NULL, 0, 0, LINTEL_T_BOOL, 0},
    {"checkTransaction",
     "Drop answers that bear another transaction id; for tcp. Without, each timeout costs a new "
     "connection.",
     "yes", NULL, NULL, NULL, 0, 0, LINTEL_T_BOOL, 0},
    {0}};
static const int bauds[] = {1200,  2400,   4800,   9600,   19200, 38400,
                            57600, 115200, 230400, 460800, 921600}; /* by choice */

enum {
    DEVICE_UNIT,
    DEVICE_MAX_REGISTERS,
    DEVICE_MAX_BITS,
    DEVICE_MAX_GAP,
    DEVICE_FORBIDDEN,
    DEVICE_MAX_WRITE_REGISTERS,
    DEVICE_WRITE_SINGLE,
    DEVICE_TIMEOUT
};
static const lintel_field device_table[] = {
    {"unit", "Its address on the line, or behind the gateway.", "1", NULL, NULL, NULL, 0, 255,
     LINTEL_T_INT, 0},
    {"maxRegisters", "Most registers in one read.", "125", NULL, NULL, "registers", 1,
     MB_REGISTERS_MOST, LINTEL_T_INT, 0},
    {"maxBits", "Most coils or discrete inputs in one read.", "2000", NULL, NULL, "bits", 1,
     MB_BITS_MOST, LINTEL_T_INT, 0},
    {"maxGap",
     "Most addresses that may be read between two points although nothing is bound to them.", "0",
     NULL, NULL, "addresses", 0, MB_BITS_MOST, LINTEL_T_INT, 0},
    {"forbidden",
     "Addresses that no read may touch, as in \"40-49\" (all tables) or \"holding:40-49\".", NULL,
     NULL, NULL, NULL, 0, 0, LINTEL_T_LIST, 0},
    {"maxWriteRegisters", "Most registers in one write.", "123", NULL, NULL, "registers", 1,
     MB_WRITE_REGISTERS_MOST, LINTEL_T_INT, 0},
    {"writeSingle", "Write one coil or register with function 5 or 6, not 15 or 16.", "yes", NULL,
     NULL, NULL, 0, 0, LINTEL_T_BOOL, 0},
    {"timeout", "Longest wait for this device's answer; without, the bus's.", NULL, NULL, NULL,
     "ms", 1, 60000, LINTEL_T_INT, 0},
    {0}};

enum { ADDR_TABLE, ADDR_ADDRESS, ADDR_FUNCTION, ADDR_VALUE };
static const lintel_field address_table[] = {
    {"table", "Which of the device's tables.", "holding", "coil|discrete|holding|input",
     "bool|bool|u16|u16", NULL, 0, 0, LINTEL_T_STR, 0},
    {"address", "Address of the first register or bit as it is on the wire, from 0.", NULL, NULL,
     NULL, NULL, 0, 65535, LINTEL_T_INT, LINTEL_F_REQUIRED},
    {"function", "Function code of writes; without, by the device's writeSingle.", NULL,
     "5|6|15|16", NULL, NULL, 0, 0, LINTEL_T_STR, 0},
    {"value", "What an action without input writes.", "1", NULL, NULL, NULL, 0, 65535, LINTEL_T_INT,
     0},
    {0}};
static const int functions[] = {MB_FC_WRITE_COIL, MB_FC_WRITE_REGISTER, MB_FC_WRITE_COILS,
                                MB_FC_WRITE_REGISTERS}; /* by choice */

const char *
mb_detail(struct mb_details *d, const char *why)
{
    if (d->n == MB_DETAILS_MOST)
        return NULL;
    char *text = d->text[d->n++];
    mb_say(text, "%s", why);
    return text;
}

void
mb_say_exception(char *why, int code, enum mb_table t, uint32_t address, uint32_t count,
                 uint8_t unit)
{
    char last[16] = "";
    if (count > 1)
        snprintf(last, sizeof last, "..%u", address + count - 1);
    mb_say(why, "exception %d: %s (%s %u%s, unit %u)", code, mb_exception_name(code),
           mb_table_name(t), address, last, unit);
}

int
mb_target_read(const lintel_value *addr, uint32_t wire_bytes, struct mb_target *ret, char *why)
{
    *ret = (struct mb_target){0};
    if (addr == NULL || addr[ADDR_ADDRESS].type == LINTEL_T_NULL)
        return 1;
    struct mb_target t = {.table = (enum mb_table)addr[ADDR_TABLE].as.i,
                          .address = (uint32_t)addr[ADDR_ADDRESS].as.i,
                          .count = (wire_bytes + 1) / 2,
                          .bytes = wire_bytes};
    if (addr[ADDR_FUNCTION].type == LINTEL_T_INT)
        t.function = functions[addr[ADDR_FUNCTION].as.i];
    if (mb_is_bits(t.table)) {
        if (wire_bytes > 2) {
            mb_say(why, "%s %u is one bit: its type has to be bool", mb_table_name(t.table),
                   t.address);
            return 0;
        }
        t.count = 1;
    } else if (t.count == 0) {
        mb_say(why, "%s %u: the length is not known; give a count of registers",
               mb_table_name(t.table), t.address);
        return 0;
    } else if (t.count > MB_REGISTERS_MOST) {
        mb_say(why, "%s %u: %u registers are more than a frame holds (%d)", mb_table_name(t.table),
               t.address, t.count, MB_REGISTERS_MOST);
        return 0;
    }
    if (t.address + t.count > 65536) {
        mb_say(why, "%s %u: %u registers from there go beyond 65535", mb_table_name(t.table),
               t.address, t.count);
        return 0;
    }
    *ret = t;
    return 1;
}

lintel_value
mb_raw(const struct mb_target *t, const uint8_t *registers)
{
    /* A value of 8 bits is the register's low byte. */
    const uint8_t *p = t->bytes == 1 ? registers + 1 : registers;
    return (lintel_value){.type = LINTEL_T_BYTES, .len = t->bytes, .as.p = p};
}

/* ---- the bus ---- */

static lintel_status
refuse(const lintel_host *h, const char *why)
{
    h->log(h, LINTEL_LOG_ERROR, why);
    return LINTEL_E_CONFIG;
}

/* The settings outlive nothing: texts are copied. */
static char *
copy_of(const lintel_value *v)
{
    return strdup(v->type == LINTEL_T_STR ? v->as.s : "");
}

void
mb_conf_read(struct mb_conf *c, const lintel_value *v)
{
    static const char parities[] = "NEO";
    c->rtu = v[BUS_TRANSPORT].as.i == 1;
    c->port = (int)v[BUS_PORT].as.i;
    c->baud = bauds[v[BUS_BAUD].as.i];
    c->parity = parities[v[BUS_PARITY].as.i];
    c->data_bits = (int)v[BUS_DATA_BITS].as.i;
    c->stop_bits = (int)v[BUS_STOP_BITS].as.i;
    c->rs485 = (enum mb_rs485)v[BUS_RS485].as.i;
    c->connect_timeout = v[BUS_CONNECT_TIMEOUT].as.i * MS;
    c->pause = v[BUS_PAUSE].as.i * MS;
    c->reconnect_most = v[BUS_RECONNECT].as.i * 1000 * MS;
    c->check_unit = v[BUS_CHECK_UNIT].as.i != 0;
    c->check_transaction = v[BUS_CHECK_TRANSACTION].as.i != 0;
    if (c->rtu) {
        lintel_mono silence = mb_time_silence(c->baud);
        c->pause = c->pause > silence ? c->pause : silence;
    }
}

static void
destroy(void *self)
{
    struct mb_bus *b = self;
    mb_link_free(b->link);
    free(b->samples);
    free(b->texts);
    free(b);
}

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    int rtu = v[BUS_TRANSPORT].as.i == 1;
    const lintel_value *target = &v[rtu ? BUS_DEVICE : BUS_HOST];
    if (target->type != LINTEL_T_STR || target->len == 0)
        return refuse(h, rtu ? "transport rtu needs `device`, the serial line"
                             : "transport tcp needs `host`, the device's or gateway's address");
    struct mb_bus *b = calloc(1, sizeof *b);
    if (b == NULL)
        return LINTEL_E_NOMEM;
    b->host = h;
    b->timeout = v[BUS_TIMEOUT].type == LINTEL_T_INT ? v[BUS_TIMEOUT].as.i * MS
                 : rtu                               ? TIMEOUT_RTU
                                                     : TIMEOUT_TCP;
    b->texts = copy_of(target);
    mb_conf_read(&b->conf, v);
    b->conf.host = b->conf.device = b->texts;
    b->link = b->texts != NULL ? mb_link_new(h, &b->conf) : NULL;
    if (b->link == NULL) {
        destroy(b);
        return LINTEL_E_NOMEM;
    }
    *self = b;
    return LINTEL_OK;
}

static lintel_status
start(void *self)
{
    struct mb_bus *b = self;
    char why[MB_DETAIL];
    /* Only to say early whether it can be reached; the link tells the hub. */
    (void)mb_link_ready(b->link, b->host->now(b->host) + b->conf.connect_timeout, why);
    return LINTEL_OK;
}

static void
stop(void *self)
{
    struct mb_bus *b = self;
    mb_link_close(b->link);
}

/* ---- devices ---- */

static void
device_free(struct mb_device *d)
{
    mb_forget_plans(d);
    mb_learned_fini(&d->learned);
    free(d->forbidden);
    free(d);
}

lintel_status
mb_limits_read(const lintel_value *v, struct mb_limits *ret, struct mb_range **ret_forbidden,
               char *why)
{
    const lintel_value *list = &v[DEVICE_FORBIDDEN];
    struct mb_limits l = {.registers = (uint32_t)v[DEVICE_MAX_REGISTERS].as.i,
                          .bits = (uint32_t)v[DEVICE_MAX_BITS].as.i,
                          .gap = (uint32_t)v[DEVICE_MAX_GAP].as.i};
    if (list->type == LINTEL_T_LIST && list->len > 0) {
        struct mb_range *ranges = calloc(list->len, sizeof *ranges);
        if (ranges == NULL) {
            mb_say(why, "out of memory");
            return LINTEL_E_NOMEM;
        }
        for (uint32_t i = 0; i < list->len; i++) {
            if (!mb_range_parse(list->as.list[i].as.s, &ranges[i])) {
                mb_say(why,
                       "forbidden: \"%.40s\" is no range; write \"40-49\" or \"holding:40-49\"",
                       list->as.list[i].as.s);
                free(ranges);
                return LINTEL_E_CONFIG;
            }
        }
        *ret_forbidden = ranges;
        l.forbidden = ranges;
        l.nforbidden = list->len;
    }
    *ret = l;
    return LINTEL_OK;
}

int
mb_baud_from(double least)
{
    for (size_t i = 0; i < sizeof bauds / sizeof bauds[0]; i++)
        if (bauds[i] >= least)
            return bauds[i];
    return 0;
}

static lintel_status
attach(void *self, lintel_device *ld)
{
    struct mb_bus *b = self;
    const lintel_value *v = ld->settings;
    char why[MB_DETAIL];
    if (b->conf.rtu && v[DEVICE_UNIT].as.i > 247)
        return refuse(b->host,
                      "unit: a serial line has the units 1 to 247, and 0 for writes to all");
    struct mb_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return LINTEL_E_NOMEM;
    d->unit = (uint8_t)v[DEVICE_UNIT].as.i;
    d->write_most = (uint32_t)v[DEVICE_MAX_WRITE_REGISTERS].as.i;
    d->write_single = v[DEVICE_WRITE_SINGLE].as.i != 0;
    d->timeout = v[DEVICE_TIMEOUT].type == LINTEL_T_INT ? v[DEVICE_TIMEOUT].as.i * MS : b->timeout;
    lintel_status st = mb_limits_read(v, &d->limits, &d->forbidden, why);
    if (st == LINTEL_E_CONFIG)
        (void)refuse(b->host, why);
    if (st == LINTEL_OK && mb_learned_init(&d->learned, &d->limits) != 0)
        st = LINTEL_E_NOMEM;
    if (st != LINTEL_OK)
        device_free(d);
    else
        ld->cookie = d;
    return st;
}

static void
detach(void *self, lintel_device *ld)
{
    (void)self;
    device_free(ld->cookie);
    ld->cookie = NULL;
}

/* ---- points ---- */

/* 0 with the reason where the target can't be read. */
static int
readable(const struct mb_bus *b, const struct mb_device *d, const struct mb_target *t, char *why)
{
    uint32_t most = mb_is_bits(t->table) ? d->limits.bits : d->limits.registers;
    const char *table = mb_table_name(t->table);
    if (b->conf.rtu && d->unit == 0)
        mb_say(why, "%s %u: unit 0 is a broadcast, which nobody answers", table, t->address);
    else if (t->count > most)
        mb_say(why, "%s %u: needs %u registers at once, the device's maxRegisters is %u", table,
               t->address, t->count, most);
    else if (mb_forbidden(&d->limits, t->table, t->address, t->count))
        mb_say(why, "%s %u: lies in a range that the device's `forbidden` names", table,
               t->address);
    else
        return 1;
    return 0;
}

static int
writable(const struct mb_device *d, const struct mb_target *t, char *why)
{
    const char *table = mb_table_name(t->table);
    int single = t->function == MB_FC_WRITE_COIL || t->function == MB_FC_WRITE_REGISTER;
    int bits = t->function == MB_FC_WRITE_COIL || t->function == MB_FC_WRITE_COILS;
    if (t->table == MB_DISCRETE || t->table == MB_INPUT)
        mb_say(why, "%s %u: this table can't be written; name a coil or holding register", table,
               t->address);
    else if (t->count > d->write_most)
        mb_say(why, "%s %u: needs %u registers at once, the device's maxWriteRegisters is %u",
               table, t->address, t->count, d->write_most);
    else if (t->function != 0 && bits != mb_is_bits(t->table))
        mb_say(why, "%s %u: function %d writes %s", table, t->address, t->function,
               bits ? "coils" : "registers");
    else if (single && t->count > 1)
        mb_say(why, "%s %u: function %d writes one register, the value has %u", table, t->address,
               t->function, t->count);
    else
        return 1;
    return 0;
}

static int
place(const struct mb_bus *b, const lintel_point *lp, struct mb_point *p, char *why)
{
    const struct mb_device *d = lp->device->cookie;
    int action = lp->kind == LINTEL_K_ACTION;
    if (!action && (lp->flags & (LINTEL_P_READ | LINTEL_P_NOTIFY)) &&
        (!mb_target_read(lp->addr, lp->wire_bytes, &p->read, why) ||
         (p->read.count > 0 && !readable(b, d, &p->read, why))))
        return 0;
    if (!action && !(lp->flags & LINTEL_P_WRITE))
        return 1;
    uint32_t bytes = action && lp->write_wire_bytes == 0 ? 2 : lp->write_wire_bytes;
    if (!mb_target_read(lp->write_addr, bytes, &p->write, why) ||
        (p->write.count > 0 && !writable(d, &p->write, why)))
        return 0;
    if (action && p->write.count > 0) {
        int64_t value = lp->write_addr[ADDR_VALUE].as.i;
        p->pulse[0] = (uint8_t)(value >> 8);
        p->pulse[1] = (uint8_t)value;
    }
    return 1;
}

static lintel_status
bind_point(void *self, lintel_point *lp)
{
    struct mb_bus *b = self;
    char why[MB_DETAIL];
    struct mb_point *p = calloc(1, sizeof *p);
    if (p == NULL)
        return LINTEL_E_NOMEM;
    if (!place(b, lp, p, why)) {
        free(p);
        return refuse(b->host, why);
    }
    lp->cookie = p;
    mb_forget_plans(lp->device->cookie);
    return LINTEL_OK;
}

static void
unbind_point(void *self, lintel_point *lp)
{
    (void)self;
    mb_forget_plans(lp->device->cookie); /* they point to it */
    free(lp->cookie);
    lp->cookie = NULL;
}

static const void *
extension(void *self, const char *id)
{
    (void)self;
    if (strcmp(id, LINTEL_EXT_PLAN) == 0)
        return &mb_needs;
    return strcmp(id, LINTEL_EXT_GIVEN) == 0 ? &mb_given : NULL;
}

static const lintel_plugin modbus = {
    .size = sizeof modbus,
    .flags = LINTEL_PLUGIN_BLOCKING,
    .needs = LINTEL_NEED_NETWORK | LINTEL_NEED_SERIAL,
    .unit_bytes = 2,
    .name = "modbus",
    .version = "1.0.0",
    .summary = "Modbus devices over TCP and serial lines",
    .natural = "u16",
    .bus = bus_table,
    .device = device_table,
    .address = address_table,
    .create = create,
    .destroy = destroy,
    .start = start,
    .stop = stop,
    .attach = attach,
    .detach = detach,
    .bind = bind_point,
    .unbind = unbind_point,
    .read = mb_read,
    .write = mb_write,
    .invoke = mb_invoke,
    .extension = extension,
};

LINTEL_PLUGIN_ENTRY(&modbus);
