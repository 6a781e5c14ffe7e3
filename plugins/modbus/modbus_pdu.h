/* SPDX-License-Identifier: Apache-2.0
 * Frames of Modbus, as pure functions: MODBUS Application Protocol Specification V1.1b3 ("AP") and
 * MODBUS Messaging on TCP/IP Implementation Guide V1.0b ("TCP"). No I/O, no state. */
#ifndef LINTEL_MODBUS_PDU_H
#define LINTEL_MODBUS_PDU_H
#include <stddef.h>
#include <stdint.h>

enum mb_table {
    MB_COIL,
    MB_DISCRETE,
    MB_HOLDING,
    MB_INPUT
}; /* the order of the address key `table` */
enum {
    MB_PDU_MOST = 253,
    MB_MBAP = 7, /* bytes before the PDU on TCP */
    MB_ADU_MOST = MB_MBAP + MB_PDU_MOST,
    MB_REGISTERS_MOST = 125,
    MB_BITS_MOST = 2000,
    MB_WRITE_REGISTERS_MOST = 123
};
enum { /* function codes */
       MB_FC_READ_COILS = 1,
       MB_FC_READ_DISCRETE = 2,
       MB_FC_READ_HOLDING = 3,
       MB_FC_READ_INPUT = 4,
       MB_FC_WRITE_COIL = 5,
       MB_FC_WRITE_REGISTER = 6,
       MB_FC_WRITE_COILS = 15,
       MB_FC_WRITE_REGISTERS = 16
};
enum { /* exception codes, AP section 7 */
       MB_EX_FUNCTION = 1,
       MB_EX_ADDRESS = 2,
       MB_EX_VALUE = 3,
       MB_EX_FAILURE = 4,
       MB_EX_ACKNOWLEDGE = 5,
       MB_EX_BUSY = 6,
       MB_EX_NAK = 7,
       MB_EX_PARITY = 8,
       MB_EX_GATEWAY_PATH = 10,
       MB_EX_GATEWAY_TARGET = 11
};

int mb_is_bits(enum mb_table t);
const char *mb_table_name(enum mb_table t); /* "holding" */
const char *mb_exception_name(int code);    /* "illegal data address"; "unknown code" */

/* Requests; each returns the length of the PDU in out[MB_PDU_MOST]. Counts must be within the
 * limits above. */
size_t mb_pdu_read(uint8_t *out, enum mb_table t, uint32_t address, uint32_t count);
size_t mb_pdu_write_coil(uint8_t *out, uint32_t address, int on);
size_t mb_pdu_write_coils(uint8_t *out, uint32_t address, int on); /* one, by function 15 */
size_t mb_pdu_write_register(uint8_t *out, uint32_t address, const uint8_t value[2]);
size_t mb_pdu_write_registers(uint8_t *out, uint32_t address, const uint8_t *values,
                              uint32_t count);

enum mb_verdict {
    MB_ANSWERS,   /* it answers the request; a read's data stand behind its first two bytes */
    MB_EXCEPTION, /* it refuses the request, with a code */
    MB_FOREIGN,   /* a well-formed answer, to another request */
    MB_BROKEN     /* no answer at all */
};
/* Judges an answer's PDU by the request's. */
enum mb_verdict mb_pdu_judge(const uint8_t *request, size_t nrequest, const uint8_t *answer,
                             size_t nanswer, int *ret_exception);
/* Bytes of the PDU that answers the request, if it is not refused. */
uint32_t mb_pdu_answer_bytes(const uint8_t *request);
/* Bit i of the data of a read of coils or discrete inputs. */
int mb_bit(const uint8_t *data, uint32_t i);

/* The header on TCP (TCP section 3.1.3). */
struct mb_mbap {
    uint16_t transaction;
    uint8_t unit;
    size_t npdu; /* bytes behind the header */
};
void mb_mbap_write(uint8_t out[MB_MBAP], uint16_t transaction, uint8_t unit, size_t npdu);
/* Of a stream's beginning: the length of the whole frame, 0 if more bytes are needed to tell it, -1
 * if this is no Modbus frame and the stream can't be followed any more. */
int mb_mbap_read(const uint8_t *p, size_t n, struct mb_mbap *ret);
#endif
