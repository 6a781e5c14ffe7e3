/* SPDX-License-Identifier: Apache-2.0
 * One connection to a Modbus server or serial line: opening with back-off, exchanges with a
 * deadline, and the sorting out of answers that are not the current request's. One thread; all
 * calls block, at most until their deadline. */
#ifndef LINTEL_MODBUS_LINK_H
#define LINTEL_MODBUS_LINK_H
#include <stdint.h>

#include "lintel/plugin.h"
#include "modbus_pdu.h"

enum { MB_DETAIL = 160 }; /* bytes of a text for people, with the NUL */
enum mb_rs485 { MB_RS485_ADAPTER, MB_RS485_KERNEL, MB_RS485_RTS_UP, MB_RS485_RTS_DOWN };

struct mb_conf {
    int rtu;
    const char *host; /* TCP */
    int port;
    const char *device; /* RTU */
    int baud, data_bits, stop_bits;
    char parity; /* 'N', 'E', 'O' */
    enum mb_rs485 rs485;
    lintel_mono connect_timeout, pause, reconnect_most;
    int check_unit, check_transaction; /* TCP */
};

/* A frame as it came. */
struct mb_frame {
    uint16_t transaction; /* TCP */
    uint8_t unit;
    const uint8_t *pdu; /* valid until the next call of the wire */
    size_t npdu;
};

/* What carries frames. Three: modbus_tcp.c, modbus_rtu.c, and a recording, modbus_tape.c. Deadlines
 * are of `host->now`. On an error, why[MB_DETAIL] says what is wrong; LINTEL_E_LINK means that the
 * wire has to be closed. */
struct mb_wire;
struct mb_wire_ops {
    struct mb_wire *(*make)(const lintel_host *h,
                            const struct mb_conf *c); /* no I/O; NULL: no memory */
    void (*drop)(struct mb_wire *w);
    lintel_status (*open)(struct mb_wire *w, lintel_mono deadline, char *why);
    void (*close)(struct mb_wire *w);
    /* Takes what came while nobody asked; tells a connection that was closed meanwhile. */
    lintel_status (*settle)(struct mb_wire *w, char *why);
    lintel_status (*send)(struct mb_wire *w, uint16_t transaction, uint8_t unit, const uint8_t *pdu,
                          size_t n, lintel_mono deadline, char *why);
    /* The next frame, whosever. LINTEL_E_BUSY: one that is not worth a look (another unit's, a
     * wrong checksum), described in why. LINTEL_E_TIMEOUT: none. LINTEL_E_FAIL: a part of one, so
     * that the next one's beginning is not known any more. */
    lintel_status (*receive)(struct mb_wire *w, uint8_t unit, lintel_mono deadline,
                             struct mb_frame *ret, char *why);
};
extern const struct mb_wire_ops mb_tcp, mb_rtu, mb_tape;

struct mb_link;
struct mb_link *mb_link_new(const lintel_host *h,
                            const struct mb_conf *c); /* borrows c and its texts */
void mb_link_free(struct mb_link *l);
/* Counts up when a lost connection came back: what was learned of the devices may be wrong since.
 */
uint32_t mb_link_generation(const struct mb_link *l);

/* Connects where that is needed and due. Call it before the exchanges of a request. */
lintel_status mb_link_ready(struct mb_link *l, lintel_mono deadline, char *why);
void mb_link_close(struct mb_link *l);

struct mb_answer {
    const uint8_t *pdu; /* valid until the next call */
    size_t npdu;
    int exception; /* with LINTEL_E_DEVICE: the code that the device answered with */
    char why[MB_DETAIL];
};
/* Sends a request and waits for its answer, until the deadline or `timeout` after sending.
 * LINTEL_OK: the answer fits the request. LINTEL_E_DEVICE: an exception. LINTEL_E_TIMEOUT, _PROTO:
 * this unit. LINTEL_E_LINK: no connection any more. */
lintel_status mb_link_exchange(struct mb_link *l, uint8_t unit, const uint8_t *pdu, size_t n,
                               lintel_mono timeout, lintel_mono deadline, struct mb_answer *ret);
/* Sends a request that nobody answers: a broadcast on a serial line. */
lintel_status mb_link_broadcast(struct mb_link *l, const uint8_t *pdu, size_t n,
                                lintel_mono deadline, struct mb_answer *ret);

/* Fills why, cut to its size; for the wires. */
void mb_say(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
