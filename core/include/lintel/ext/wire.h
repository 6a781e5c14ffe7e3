/* SPDX-License-Identifier: Apache-2.0
 *
 * lintel/ext/wire.h - "lintel.wire/1", host side: what goes over a plugin's wire, for people who look
 * on, and a tape that stands in for the wire.                                      since ABI 1.1
 *
 * A plugin that has it asks wanted() before it tells a message, which costs next to nothing while
 * nobody looks on. What it tells can be recorded (`lintel record`), and a recording played back
 * (`lintel replay`): then replaying() is not 0, no connection is opened, and find() gives the
 * recorded bytes.
 */
#ifndef LINTEL_EXT_WIRE_H
#define LINTEL_EXT_WIRE_H
#include "lintel/plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LINTEL_EXT_WIRE "lintel.wire/1"

enum { /* lintel_tap.flow */
    LINTEL_TAP_OUT = 0,
    LINTEL_TAP_IN = 1
};
enum { LINTEL_TAP_BYTES_MOST = 256 * 1024 }; /* longer messages are cut */

typedef struct lintel_tap { /* one message, whole, as it is on the wire */
    uint32_t size;
    uint32_t flow;
    const char *protocol; /* as Wireshark calls its dissector: "mbtcp", "mbrtu", "mqtt" */
    const char *peer;     /* "192.0.2.7:502", "[2001:db8::1]:502", or what people call it */
    const void *p;
    uint32_t n;
    uint32_t serial; /* so many bytes at the beginning number the exchange (Modbus TCP: 2). find()
                      * does not compare them, and gives the answer those of the question */
    lintel_wall when; /* of a recorded one; 0 in tell(): now */
} lintel_tap;

typedef struct lintel_host_wire {
    uint32_t size;
    uint32_t reserved;
    /* Not 0 while somebody looks on. [any] */
    int32_t (*wanted)(const lintel_host *h);
    /* A message goes out, or has come. Never waits; what is too much is dropped and counted. [any] */
    void (*tell)(const lintel_host *h, const lintel_tap *t);
    /* Not 0: there is a tape instead of a wire, for as long as the instance lives. [any] */
    int32_t (*replaying)(const lintel_host *h);
    /* All below only while replaying, [inst]. Memory that they hand out lives until the next call.
     *
     * The recorded answer to a question, the one that was the latest by now. now() is then the time
     * at which it came. LINTEL_E_TIMEOUT: it came later than the deadline, or not at all: now() is
     * the deadline. LINTEL_E_ADDRESS: this was never asked. */
    lintel_status (*find)(const lintel_host *h, const lintel_tap *question, lintel_mono deadline,
                          lintel_tap *ret);
    /* The i-th message of the tape, from 0, by time; 0: there are no more. */
    int32_t (*message)(const lintel_host *h, uint32_t i, lintel_tap *ret);
    /* Tells the person at the tape that a question can't be answered from it. */
    void (*missed)(const lintel_host *h, const lintel_tap *question);
    /* now() becomes `until`, where it is not later already: instead of sleeping. */
    void (*wait)(const lintel_host *h, lintel_mono until);
} lintel_host_wire;

#ifdef __cplusplus
}
#endif
#endif
