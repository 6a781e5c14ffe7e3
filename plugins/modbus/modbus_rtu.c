/* SPDX-License-Identifier: Apache-2.0
 * Frames on a serial line, by libmodbus: it opens the line, adds and checks the checksum, and finds
 * a frame's end by its function code. It waits with select(), so descriptors above 1023 are refused
 * before it sees them. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

#include "modbus_link.h"

struct mb_wire {
    const lintel_host *host;
    const struct mb_conf *conf;
    modbus_t *ctx; /* NULL: closed */
    uint8_t in[MODBUS_MAX_ADU_LENGTH];
};

static struct mb_wire *
rtu_make(const lintel_host *h, const struct mb_conf *c)
{
    struct mb_wire *w = calloc(1, sizeof *w);
    if (w != NULL)
        *w = (struct mb_wire){.host = h, .conf = c};
    return w;
}

static void
rtu_close(struct mb_wire *w)
{
    if (w->ctx != NULL) {
        modbus_close(w->ctx);
        modbus_free(w->ctx);
    }
    w->ctx = NULL;
}

static void
rtu_drop(struct mb_wire *w)
{
    rtu_close(w);
    free(w);
}

/* Who switches the driver of the line between sending and receiving. */
static int
set_rs485(const struct mb_wire *w)
{
    switch (w->conf->rs485) {
    case MB_RS485_KERNEL: return modbus_rtu_set_serial_mode(w->ctx, MODBUS_RTU_RS485);
    case MB_RS485_RTS_UP: return modbus_rtu_set_rts(w->ctx, MODBUS_RTU_RTS_UP);
    case MB_RS485_RTS_DOWN: return modbus_rtu_set_rts(w->ctx, MODBUS_RTU_RTS_DOWN);
    default: return 0;
    }
}

static lintel_status
rtu_open(struct mb_wire *w, lintel_mono deadline, char *why)
{
    const struct mb_conf *c = w->conf;
    (void)deadline; /* opening a serial line does not wait */
    w->ctx = modbus_new_rtu(c->device, c->baud, c->parity, c->data_bits, c->stop_bits);
    if (w->ctx == NULL) {
        mb_say(why, "%.80s: %s", c->device, modbus_strerror(errno));
        return LINTEL_E_LINK;
    }
    if (modbus_connect(w->ctx) != 0) {
        mb_say(why, "can't open %.80s: %s", c->device, modbus_strerror(errno));
    } else if (modbus_get_socket(w->ctx) >= FD_SETSIZE) {
        mb_say(why,
               "%.80s: this process has too many files open for a serial line; give the bus "
               "\"isolation: process\"",
               c->device);
    } else if (set_rs485(w) != 0) {
        mb_say(why, "%.80s: the driver refuses the setting rs485: %s", c->device,
               modbus_strerror(errno));
    } else {
        /* One time limit for the whole frame. */
        (void)modbus_set_byte_timeout(w->ctx, 0, 0);
        return LINTEL_OK;
    }
    rtu_close(w);
    return LINTEL_E_LINK;
}

static lintel_status
rtu_settle(struct mb_wire *w, char *why)
{
    (void)w, (void)why; /* each request throws away what came before it */
    return LINTEL_OK;
}

static lintel_status
rtu_send(struct mb_wire *w, uint16_t transaction, uint8_t unit, const uint8_t *pdu, size_t n,
         lintel_mono deadline, char *why)
{
    uint8_t frame[1 + MB_PDU_MOST];
    (void)transaction, (void)deadline;
    frame[0] = unit;
    memcpy(frame + 1, pdu, n);
    if (modbus_flush(w->ctx) < 0 || modbus_set_slave(w->ctx, unit) != 0 ||
        modbus_send_raw_request(w->ctx, frame, (int)n + 1) < 0) {
        mb_say(why, "sending on %.80s: %s", w->conf->device, modbus_strerror(errno));
        return LINTEL_E_LINK;
    }
    return LINTEL_OK;
}

static lintel_status
rtu_receive(struct mb_wire *w, uint8_t unit, lintel_mono deadline, struct mb_frame *ret, char *why)
{
    int64_t us = (deadline - w->host->now(w->host)) / 1000;
    if (us <= 0)
        return LINTEL_E_TIMEOUT;
    (void)modbus_set_response_timeout(w->ctx, (uint32_t)(us / 1000000), (uint32_t)(us % 1000000));
    int n = modbus_receive_confirmation(w->ctx, w->in);
    if (n >= 4) {
        *ret = (struct mb_frame){0, w->in[0], w->in + 1, (size_t)n - 3};
        return LINTEL_OK;
    }
    if (n >= 0) {
        mb_say(why, "a frame of unit %u", w->in[0]);
        return LINTEL_E_BUSY;
    }
    if (errno == ETIMEDOUT)
        return LINTEL_E_TIMEOUT;
    if (errno == EMBBADCRC || errno == EMBBADDATA) {
        mb_say(why, "a frame with a wrong checksum, waiting for unit %u", unit);
        return LINTEL_E_BUSY;
    }
    mb_say(why, "receiving on %.80s: %s", w->conf->device, modbus_strerror(errno));
    return LINTEL_E_LINK;
}

const struct mb_wire_ops mb_rtu = {rtu_make,   rtu_drop, rtu_open,   rtu_close,
                                   rtu_settle, rtu_send, rtu_receive};
