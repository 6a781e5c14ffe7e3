/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_pdu.h"

#include <string.h>

static const uint8_t read_function[] = {1, 2, 3, 4}; /* by mb_table */

static void
put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t
get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

int
mb_is_bits(enum mb_table t)
{
    return t == MB_COIL || t == MB_DISCRETE;
}

const char *
mb_table_name(enum mb_table t)
{
    static const char *const names[] = {"coil", "discrete", "holding", "input"};
    return names[t];
}

const char *
mb_exception_name(int code)
{
    switch (code) {
    case MB_EX_FUNCTION: return "illegal function";
    case MB_EX_ADDRESS: return "illegal data address";
    case MB_EX_VALUE: return "illegal data value";
    case MB_EX_FAILURE: return "device failure";
    case MB_EX_ACKNOWLEDGE: return "accepted, not done yet";
    case MB_EX_BUSY: return "device busy";
    case MB_EX_NAK: return "negative acknowledge";
    case MB_EX_PARITY: return "memory parity error";
    case MB_EX_GATEWAY_PATH: return "gateway path unavailable";
    case MB_EX_GATEWAY_TARGET: return "gateway's target does not respond";
    default: return "unknown code";
    }
}

size_t
mb_pdu_read(uint8_t *out, enum mb_table t, uint32_t address, uint32_t count)
{
    out[0] = read_function[t];
    put16(out + 1, address);
    put16(out + 3, count);
    return 5;
}

size_t
mb_pdu_write_coil(uint8_t *out, uint32_t address, int on)
{
    out[0] = MB_FC_WRITE_COIL;
    put16(out + 1, address);
    put16(out + 3, on ? 0xff00 : 0);
    return 5;
}

size_t
mb_pdu_write_coils(uint8_t *out, uint32_t address, int on)
{
    out[0] = MB_FC_WRITE_COILS;
    put16(out + 1, address);
    put16(out + 3, 1);
    out[5] = 1;
    out[6] = on != 0;
    return 7;
}

size_t
mb_pdu_write_register(uint8_t *out, uint32_t address, const uint8_t value[2])
{
    out[0] = MB_FC_WRITE_REGISTER;
    put16(out + 1, address);
    memcpy(out + 3, value, 2);
    return 5;
}

size_t
mb_pdu_write_registers(uint8_t *out, uint32_t address, const uint8_t *values, uint32_t count)
{
    out[0] = MB_FC_WRITE_REGISTERS;
    put16(out + 1, address);
    put16(out + 3, count);
    out[5] = (uint8_t)(2 * count);
    memcpy(out + 6, values, 2 * (size_t)count);
    return 6 + 2 * (size_t)count;
}

uint32_t
mb_pdu_answer_bytes(const uint8_t *request)
{
    uint32_t count = get16(request + 3);
    if (request[0] > 4)
        return 5; /* a write echoes address and value, or address and count */
    return 2 + (request[0] <= 2 ? (count + 7) / 8 : 2 * count);
}

enum mb_verdict
mb_pdu_judge(const uint8_t *request, size_t nrequest, const uint8_t *answer, size_t nanswer,
             int *ret_exception)
{
    if (nrequest < 5 || nanswer < 2)
        return MB_BROKEN;
    int function = request[0];
    if ((answer[0] & 0x7f) != function)
        return MB_FOREIGN;
    if (answer[0] & 0x80) {
        if (nanswer != 2)
            return MB_BROKEN;
        *ret_exception = answer[1];
        return MB_EXCEPTION;
    }
    if (function <= 4) {
        size_t count = get16(request + 3), wanted = function <= 2 ? (count + 7) / 8 : 2 * count;
        if (nanswer != 2u + answer[1])
            return MB_BROKEN;
        return answer[1] == wanted ? MB_ANSWERS : MB_FOREIGN;
    }
    /* A write echoes address and value, or address and count. */
    if (nanswer != 5)
        return MB_BROKEN;
    return memcmp(answer + 1, request + 1, 4) == 0 ? MB_ANSWERS : MB_FOREIGN;
}

int
mb_bit(const uint8_t *data, uint32_t i)
{
    return data[i / 8] >> i % 8 & 1;
}

void
mb_mbap_write(uint8_t out[MB_MBAP], uint16_t transaction, uint8_t unit, size_t npdu)
{
    put16(out, transaction);
    put16(out + 2, 0);
    put16(out + 4, (uint32_t)npdu + 1); /* the unit counts */
    out[6] = unit;
}

int
mb_mbap_read(const uint8_t *p, size_t n, struct mb_mbap *ret)
{
    if ((n >= 3 && p[2] != 0) || (n >= 4 && p[3] != 0))
        return -1;
    if (n < 6)
        return 0;
    uint32_t length = get16(p + 4);
    if (length < 2 || length > MB_PDU_MOST + 1)
        return -1;
    if (n < 6 + length)
        return 0;
    ret->transaction = (uint16_t)get16(p);
    ret->unit = p[6];
    ret->npdu = length - 1;
    return (int)(6 + length);
}
