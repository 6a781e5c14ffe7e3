/* SPDX-License-Identifier: Apache-2.0
 * Writing, in the order of the request. The hub reads back itself, so a sample carries no value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus.h"

/* The value as whole registers, big-endian; 0 if it is of a wrong type or length. */
static int
registers_of(const struct mb_target *t, const lintel_value *v, uint8_t *out)
{
    uint32_t room = 2 * t->count;
    memset(out, 0, room);
    if (v->type == LINTEL_T_BOOL && t->count == 1) {
        out[1] = v->as.i != 0;
        return 1;
    }
    if (v->type != LINTEL_T_BYTES || v->len == 0 || v->len > room)
        return 0;
    if (v->len == 1)
        memcpy(out + 1, v->as.p, 1); /* the low byte, where mb_raw() takes it from */
    else
        memcpy(out, v->as.p, v->len);
    return v->len == 1 || v->len + 1 >= room;
}

static int
bit_of(const lintel_value *v, int *ret)
{
    const uint8_t *p = v->as.p;
    *ret = 0;
    if (v->type == LINTEL_T_BOOL || v->type == LINTEL_T_INT) {
        *ret = v->as.i != 0;
        return 1;
    }
    if (v->type != LINTEL_T_BYTES || v->len == 0 || v->len > 2)
        return 0;
    *ret = p[v->len - 1] != 0;
    return 1;
}

/* The request's PDU; 0 with the reason if the value can't go there. */
static size_t
pdu_of(const struct mb_device *d, const struct mb_target *t, const lintel_value *v, uint8_t *pdu,
       char *why)
{
    uint8_t registers[2 * MB_WRITE_REGISTERS_MOST];
    int on;
    if (t->table == MB_COIL) {
        if (!bit_of(v, &on)) {
            mb_say(why, "a coil takes a bool");
            return 0;
        }
        int single = t->function != 0 ? t->function == MB_FC_WRITE_COIL : d->write_single;
        return single ? mb_pdu_write_coil(pdu, t->address, on)
                      : mb_pdu_write_coils(pdu, t->address, on);
    }
    if (!registers_of(t, v, registers)) {
        mb_say(why, "the raw value does not fill %u registers", t->count);
        return 0;
    }
    int single =
        t->function != 0 ? t->function == MB_FC_WRITE_REGISTER : d->write_single && t->count == 1;
    return single ? mb_pdu_write_register(pdu, t->address, registers)
                  : mb_pdu_write_registers(pdu, t->address, registers, t->count);
}

static lintel_status
status_of(int code)
{
    switch (code) {
    case MB_EX_FUNCTION: return LINTEL_E_NOTSUP;
    case MB_EX_ADDRESS: return LINTEL_E_ADDRESS;
    case MB_EX_VALUE: return LINTEL_E_RANGE;
    case MB_EX_ACKNOWLEDGE:
    case MB_EX_BUSY: return LINTEL_E_BUSY;
    case MB_EX_GATEWAY_PATH: return LINTEL_E_LINK;
    case MB_EX_GATEWAY_TARGET: return LINTEL_E_TIMEOUT;
    default: return LINTEL_E_DEVICE;
    }
}

static lintel_status
write_one(struct mb_bus *bus, const lintel_request *r, const lintel_point *p, const lintel_value *v,
          char *why)
{
    const struct mb_device *d = p->device->cookie;
    const struct mb_target *t = &((const struct mb_point *)p->cookie)->write;
    struct mb_answer answer;
    uint8_t pdu[MB_PDU_MOST];
    if (v->type == LINTEL_T_NULL) {
        mb_say(why, "Modbus knows no releasing of a value");
        return LINTEL_E_NOTSUP;
    }
    if (t->count == 0) {
        mb_say(why, "the binding says no place to write to");
        return LINTEL_E_NOTSUP;
    }
    if (bus->host->cancelled(bus->host, r)) {
        mb_say(why, "the deadline was over before this was written");
        return LINTEL_E_TIMEOUT;
    }
    size_t n = pdu_of(d, t, v, pdu, why);
    if (n == 0)
        return LINTEL_E_TYPE;
    lintel_status st = mb_link_ready(bus->link, r->deadline, why);
    if (st != LINTEL_OK)
        return st;
    int broadcast = bus->conf.rtu && d->unit == 0;
    st = broadcast ? mb_link_broadcast(bus->link, pdu, n, r->deadline, &answer)
                   : mb_link_exchange(bus->link, d->unit, pdu, n, d->timeout, r->deadline, &answer);
    if (st == LINTEL_E_DEVICE) {
        mb_say_exception(why, answer.exception, t->table, t->address, t->count, d->unit);
        return status_of(answer.exception);
    }
    if (st != LINTEL_OK)
        memcpy(why, answer.why, MB_DETAIL);
    return st;
}

static lintel_sample *
samples_for(struct mb_bus *bus, uint32_t n)
{
    if (n > bus->room) {
        lintel_sample *more = realloc(bus->samples, n * sizeof *more);
        if (more == NULL)
            return NULL;
        bus->samples = more;
        bus->room = n;
    }
    return bus->samples;
}

/* values: one a point; NULL: each action's own pulse. */
static void
write_all(struct mb_bus *bus, const lintel_request *r, int invoked)
{
    struct mb_details details = {0};
    const lintel_device *silent = NULL; /* costs one timeout, not one for each point */
    lintel_sample *samples = samples_for(bus, r->npoints);
    if (samples == NULL && r->npoints > 0) {
        bus->host->complete(bus->host, r, LINTEL_E_NOMEM, NULL, 0);
        return;
    }
    for (uint32_t i = 0; i < r->npoints; i++) {
        const lintel_point *p = r->points[i];
        const struct mb_point *own = p->cookie;
        lintel_value v = r->values != NULL ? r->values[i] : (lintel_value){0};
        char why[MB_DETAIL] = "";
        if (invoked && v.type == LINTEL_T_NULL)
            v = (lintel_value){.type = LINTEL_T_BYTES, .len = 2, .as.p = own->pulse};
        samples[i] = (lintel_sample){.point = p->id, .status = LINTEL_E_TIMEOUT};
        if (p->device != silent)
            samples[i].status = write_one(bus, r, p, &v, why);
        if (samples[i].status == LINTEL_E_TIMEOUT)
            silent = p->device;
        if (samples[i].status != LINTEL_OK && why[0] != '\0')
            samples[i].detail = mb_detail(&details, why);
    }
    bus->host->complete(bus->host, r, LINTEL_OK, samples, r->npoints);
}

void
mb_write(void *self, const lintel_request *r)
{
    write_all(self, r, 0);
}

void
mb_invoke(void *self, const lintel_request *r)
{
    write_all(self, r, 1);
}
