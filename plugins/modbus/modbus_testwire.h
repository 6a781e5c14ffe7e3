/* SPDX-License-Identifier: Apache-2.0
 * A scripted Modbus server for the plugin's tests: it does to each request what the script says, on
 * a thread of its own. Each register holds its own address; coils with an odd address are on. */
#ifndef LINTEL_MODBUS_TESTWIRE_H
#define LINTEL_MODBUS_TESTWIRE_H
#include <stdint.h>

enum peer_act {
    PEER_GOOD,
    PEER_SILENT,
    PEER_CUT,       /* the first `arg` bytes of the answer, then nothing */
    PEER_CUT_CLOSE, /* the first `arg` bytes of the answer, then the end of the connection */
    PEER_DRIBBLE,   /* the answer, one byte in each segment */
    PEER_EXCEPTION, /* with the code `arg` */
    PEER_UNIT,      /* as from unit `arg` */
    PEER_TID,       /* under the transaction id of the request + `arg`; registers read as 0xeeee */
    PEER_LATE,      /* the answer to the request before (registers 0xeeee), then the right one */
    PEER_OTHER,     /* the answer to another function */
    PEER_GARBAGE,   /* bytes that are not Modbus */
    PEER_REFUSE, /* exception 2 if the read touches register `arg`, otherwise the answer; for good
                  */
    PEER_FAIL    /* exception 4 to all reads of more than `arg` registers; for good */
};
struct peer_step {
    enum peer_act act;
    int arg;
};
struct peer;
/* The steps are for one request each, the last one for all further ones; NULL: all are good. */
struct peer *peer_start(const struct peer_step *steps, unsigned n);
void peer_stop(struct peer *p);
int peer_port(const struct peer *p);
unsigned peer_connections(struct peer *p);
/* Requests so far: how many, and what they were, as "3:10+4 3:20+2" (function:address+count). */
unsigned peer_requests(struct peer *p);
const char *peer_log(struct peer *p);
void peer_forget(struct peer *p);
/* The PDU of the last request; its length. */
unsigned peer_last(struct peer *p, uint8_t pdu[253]);
/* Ends the connection, and comes back when that is done. */
void peer_hang_up(struct peer *p);
#endif
