/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/modbus_unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EX_FUNCTION = 1, EX_ADDRESS = 2, EX_VALUE = 3 };
enum type { T_BIT, T_U16, T_S16, T_U32, T_S32, T_F32 };
struct live { /* a value that moves by itself, until it is written */
    struct live *next;
    int table;
    unsigned address;
    enum type type;
    int swap;
    char how; /* 'r'amp: amount per second; 'n'oise: amount to either side */
    double base, amount;
};

static unsigned
words_of(enum type t)
{
    return t >= T_U32 ? 2 : 1;
}

static int
reserve(struct unit *u, int table)
{
    if (u->cells[table] == NULL) {
        u->cells[table] = calloc(65536, sizeof *u->cells[table]);
        u->known[table] = calloc(65536, 1);
    }
    return u->cells[table] != NULL && u->known[table] != NULL;
}

static void
store(struct unit *u, int table, unsigned address, enum type type, int swap, double v)
{
    uint16_t *cell = u->cells[table] + address;
    uint32_t raw;
    float f = (float)v;
    if (type == T_F32)
        memcpy(&raw, &f, sizeof raw);
    else
        raw = (uint32_t)(int64_t)llround(v);
    if (words_of(type) == 1) {
        cell[0] = (uint16_t)raw;
        return;
    }
    cell[swap] = (uint16_t)(raw >> 16);
    cell[!swap] = (uint16_t)raw;
}

/* From -1 to 1, another one each second and address, the same in each run. */
static double
noise(double t, unsigned address)
{
    uint64_t z = (uint64_t)t * 65536 + address + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)(z >> 11) / 4503599627370496.0 - 1;
}

static void
move_lives(struct unit *u, double t)
{
    for (const struct live *l = u->lives; l != NULL; l = l->next) {
        double v = l->base + (l->how == 'r' ? l->amount * t : l->amount * noise(t, l->address));
        store(u, l->table, l->address, l->type, l->swap, v);
    }
}

static void
stop_lives(struct unit *u, int table, unsigned address, unsigned n)
{
    for (struct live **at = &u->lives; *at != NULL;) {
        struct live *l = *at;
        if (l->table == table && l->address < address + n &&
            address < l->address + words_of(l->type)) {
            *at = l->next;
            free(l);
        } else {
            at = &l->next;
        }
    }
}

static int
word(const char **text, const char *const *words, char end)
{
    size_t n = strcspn(*text, (char[]){end, '\0'});
    for (int i = 0; words[i] != NULL; i++)
        if (strlen(words[i]) == n && memcmp(words[i], *text, n) == 0 && (*text)[n] == end) {
            *text += n + 1;
            return i;
        }
    return -1;
}

int
unit_set(struct unit *u, const char *text)
{
    static const char *const tables[] = {"coil", "discrete", "holding", "input", NULL};
    static const char *const types[] = {"bit", "u16",      "s16",      "u32",      "s32",
                                        "f32", "u32-swap", "s32-swap", "f32-swap", NULL};
    const char *p = text;
    char *end, how = 0;
    int table = word(&p, tables, ':');
    unsigned long address = table >= 0 ? strtoul(p, &end, 10) : 65536, count = 1;
    if (address > 65535 || *end != '=')
        goto bad;
    p = end + 1;
    int type = table == SIM_COIL || table == SIM_DISCRETE ? 0 : word(&p, types, ':');
    if (type < 0)
        goto bad;
    int swap = type > T_F32;
    enum type t = (enum type)(swap ? type - 3 : type);
    double v = strtod(p, &end), amount = 0;
    if (end == p)
        goto bad;
    if (*end == '*')
        count = strtoul(end + 1, &end, 10);
    if (strncmp(end, "~ramp:", 6) == 0 || strncmp(end, "~noise:", 7) == 0) {
        how = end[1];
        amount = strtod(strchr(end, ':') + 1, &end);
    }
    if (*end != '\0' || address + count * words_of(t) > 65536 || !reserve(u, table))
        goto bad;
    for (; count > 0; count--, address += words_of(t)) {
        store(u, table, (unsigned)address, t, swap, v);
        memset(u->known[table] + address, 1, words_of(t));
        struct live *l = how != 0 ? calloc(1, sizeof *l) : NULL;
        if (l != NULL) {
            *l = (struct live){u->lives, table, (unsigned)address, t, swap, how, v, amount};
            u->lives = l;
        }
    }
    return 0;
bad:
    fprintf(stderr, "modbus_sim: \"%s\" is no TABLE:ADDRESS=TYPE:VALUE; see --help\n", text);
    return -1;
}

static size_t
refuse(const uint8_t *request, int code, uint8_t *answer)
{
    answer[0] = request[0] | 0x80;
    answer[1] = (uint8_t)code;
    return 2;
}

static int
exists(const struct unit *u, int table, unsigned address, unsigned n)
{
    if (u->known[table] == NULL || address + n > 65536)
        return 0;
    return memchr(u->known[table] + address, 0, n) == NULL;
}

static size_t
answer_read(struct unit *u, const uint8_t *request, int table, unsigned address, unsigned n,
            uint8_t *answer)
{
    int bits = table == SIM_COIL || table == SIM_DISCRETE;
    if (n < 1 || n > (bits ? 2000u : u->most))
        return refuse(request, EX_VALUE, answer);
    if (!exists(u, table, address, n))
        return refuse(request, EX_ADDRESS, answer);
    unsigned bytes = bits ? (n + 7) / 8 : 2 * n;
    answer[0] = request[0];
    answer[1] = (uint8_t)bytes;
    memset(answer + 2, 0, bytes);
    for (unsigned i = 0; i < n; i++) {
        uint16_t cell = u->cells[table][address + i];
        if (bits) {
            answer[2 + i / 8] |= (uint8_t)((cell != 0) << i % 8);
        } else {
            answer[2 + 2 * i] = (uint8_t)(cell >> 8);
            answer[3 + 2 * i] = (uint8_t)cell;
        }
    }
    return 2 + bytes;
}

static size_t
answer_write(struct unit *u, const uint8_t *request, size_t nrequest, unsigned address, unsigned n,
             uint8_t *answer)
{
    int single = request[0] <= 6,
        table = request[0] == 5 || request[0] == 15 ? SIM_COIL : SIM_HOLDING;
    unsigned count = single ? 1 : n, bytes = table == SIM_COIL ? (n + 7) / 8 : 2 * n;
    if (request[0] == 5 && n != 0 && n != 0xff00)
        return refuse(request, EX_VALUE, answer);
    if (!single && (n < 1 || n > (table == SIM_COIL ? 1968u : 123u) || nrequest != 6 + bytes ||
                    request[5] != bytes))
        return refuse(request, EX_VALUE, answer);
    if (!exists(u, table, address, count))
        return refuse(request, EX_ADDRESS, answer);
    stop_lives(u, table, address, count);
    for (unsigned i = 0; i < count; i++) {
        unsigned v = n;
        if (!single && table == SIM_COIL)
            v = (unsigned)request[6 + i / 8] >> i % 8 & 1u;
        else if (!single)
            v = (unsigned)request[6 + 2 * i] << 8 | request[7 + 2 * i];
        u->cells[table][address + i] = (uint16_t)v;
    }
    memcpy(answer, request, 5);
    return 5;
}

size_t
unit_answer(struct unit *u, const uint8_t *request, size_t n, double t, uint8_t answer[253])
{
    static const int tables[] = {0, SIM_COIL, SIM_DISCRETE, SIM_HOLDING, SIM_INPUT};
    int function = request[0];
    if (n < 5)
        return refuse(request, EX_VALUE, answer);
    unsigned address = (unsigned)request[1] << 8 | request[2],
             count = (unsigned)request[3] << 8 | request[4];
    if (function >= 1 && function <= 4) {
        move_lives(u, t);
        return answer_read(u, request, tables[function], address, count, answer);
    }
    if (function == 5 || function == 6 || function == 15 || function == 16)
        return answer_write(u, request, n, address, count, answer);
    return refuse(request, EX_FUNCTION, answer);
}

void
unit_free(struct unit *u)
{
    for (int i = 0; i < 4; i++) {
        free(u->cells[i]);
        free(u->known[i]);
    }
    while (u->lives != NULL) {
        struct live *next = u->lives->next;
        free(u->lives);
        u->lives = next;
    }
    free(u);
}
