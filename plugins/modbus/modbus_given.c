/* SPDX-License-Identifier: Apache-2.0
 * "lintel.given/1": raw data in a binding's own tests.
 *
 *   modbus: { input: { 12: "43 9A 00 00", 20: 308, 30: [1, -2] }, coil: { 3: 1, 8: "1 0 1" } }
 *
 * Behind an address stand the registers from there on: bytes in hexadecimal (with blanks between
 * them), or numbers, one a register; behind one of a coil or discrete input, 0 and 1. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lintel/ext/given.h"
#include "modbus.h"

enum { REASON = 128 };

static const lintel_value *
member(const lintel_value *map, const char *name)
{
    for (uint32_t i = 0; i < map->len; i++)
        if (strcmp(map->as.map[i].name, name) == 0)
            return &map->as.map[i].value;
    return NULL;
}

/* One number of at most 16 bits, signed or not. */
static int
number(const char *text, uint32_t *ret)
{
    char *end;
    long v = strtol(text, &end, 0);
    if (end == text || *end != '\0' || v < -32768 || v > 65535)
        return 0;
    *ret = (uint32_t)v & 0xffff;
    return 1;
}

static int
bit(const char *text, uint32_t *ret)
{
    *ret = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    return *ret || strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
}

static int
digit(char c)
{
    return c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The i-th word of the text, for bits; -1: ill-formed, 0: it has less, 1: found. */
static int
nth_bit(const char *text, uint32_t i, uint32_t *ret)
{
    char word[8];
    for (;; i--) {
        text += strspn(text, " ");
        size_t n = strcspn(text, " ");
        if (n == 0)
            return 0;
        if (n >= sizeof word)
            return -1;
        memcpy(word, text, n);
        word[n] = '\0';
        if (!bit(word, ret))
            return -1;
        if (i == 0)
            return 1;
        text += n;
    }
}

/* The i-th register of bytes in hexadecimal. */
static int
nth_register(const char *text, uint32_t i, uint32_t *ret)
{
    uint32_t at = 0, v = 0;
    int found = 0;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " "), at++) {
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
            (text[2] != ' ' && text[2] != '\0'))
            return -1;
        v = (v << 8 | (uint32_t)(digit(text[0]) << 4 | digit(text[1]))) & 0xffff;
        if (at == 2 * i + 1) {
            *ret = v;
            found = 1;
        }
        text += 2;
    }
    return at % 2 != 0 ? -1 : found;
}

/* The i-th register or bit of a run. */
static int
nth(const lintel_value *run, int bits, uint32_t i, uint32_t *ret)
{
    if (run->type == LINTEL_T_LIST) {
        if (i >= run->len)
            return 0;
        const lintel_value *v = &run->as.list[i];
        return v->type == LINTEL_T_STR && (bits ? bit(v->as.s, ret) : number(v->as.s, ret)) ? 1
                                                                                            : -1;
    }
    if (run->type != LINTEL_T_STR)
        return -1;
    if (bits)
        return nth_bit(run->as.s, i, ret);
    if (strchr(run->as.s, ' ') != NULL)
        return nth_register(run->as.s, i, ret);
    if (!number(run->as.s, ret))
        return -1;
    return i == 0;
}

/* What is given at an address: 1, 0 if nothing, -1 with the reason. */
static int
lookup(const lintel_value *table, int bits, uint32_t address, uint32_t *ret, char *reason)
{
    for (uint32_t i = 0; i < table->len; i++) {
        const lintel_member *m = &table->as.map[i];
        char *end;
        unsigned long from = strtoul(m->name, &end, 10);
        if (!isdigit((unsigned char)m->name[0]) || *end != '\0' || from > 65535) {
            snprintf(reason, REASON, "\"%.40s\" is no address (0 to 65535)", m->name);
            return -1;
        }
        if (from > address)
            continue;
        int found = nth(&m->value, bits, address - (uint32_t)from, ret);
        if (found < 0)
            snprintf(reason, REASON, "at %lu: write %s", from,
                     bits
                         ? "0 and 1, as in \"1 0 1\""
                         : "pairs of bytes in hexadecimal, as in \"43 9A\", or numbers of 16 bits");
        if (found != 0)
            return found;
    }
    return 0;
}

static int
tables_known(const lintel_value *given, char *reason)
{
    for (uint32_t i = 0; i < given->len; i++) {
        const lintel_member *m = &given->as.map[i];
        int t = MB_COIL;
        while (t <= MB_INPUT && strcmp(m->name, mb_table_name((enum mb_table)t)) != 0)
            t++;
        if (t > MB_INPUT) {
            snprintf(reason, REASON, "\"%.40s\" is none of coil, discrete, holding, input",
                     m->name);
            return 0;
        }
        if (m->value.type != LINTEL_T_MAP) {
            snprintf(reason, REASON,
                     "%s: write addresses and their content, as in { 12: \"43 9A\" }", m->name);
            return 0;
        }
    }
    return 1;
}

static lintel_status
given_value(const lintel_value *given, const lintel_point *p, void *scratch, lintel_value *ret,
            char reason[128])
{
    struct mb_target t;
    char why[MB_DETAIL];
    uint8_t *out = scratch;
    if (given->type != LINTEL_T_MAP) {
        snprintf(reason, REASON, "write tables, as in { input: { 12: \"43 9A\" } }");
        return LINTEL_E_CONFIG;
    }
    if (!tables_known(given, reason))
        return LINTEL_E_CONFIG;
    if (!mb_target_read(p->addr, p->wire_bytes, &t, why)) {
        snprintf(reason, REASON, "%.120s", why);
        return LINTEL_E_CONFIG;
    }
    const lintel_value *table = t.count > 0 ? member(given, mb_table_name(t.table)) : NULL;
    uint32_t found = 0;
    for (uint32_t i = 0; table != NULL && i < t.count; i++) {
        uint32_t v;
        int got = lookup(table, mb_is_bits(t.table), t.address + i, &v, reason);
        if (got < 0)
            return LINTEL_E_CONFIG;
        if (got == 0)
            continue;
        found++;
        if (mb_is_bits(t.table)) {
            *ret = (lintel_value){.type = LINTEL_T_BOOL, .as.i = v};
            return LINTEL_OK;
        }
        out[2 * i] = (uint8_t)(v >> 8);
        out[2 * i + 1] = (uint8_t)v;
    }
    if (found == 0)
        return LINTEL_E_ADDRESS;
    if (found < t.count) {
        snprintf(reason, REASON, "%s %u..%u: only %u of its %u registers are given",
                 mb_table_name(t.table), t.address, t.address + t.count - 1, found, t.count);
        return LINTEL_E_CONFIG;
    }
    *ret = mb_raw(&t, out);
    return LINTEL_OK;
}

const lintel_plugin_given mb_given = {sizeof mb_given, 2 * MB_REGISTERS_MOST, given_value};
