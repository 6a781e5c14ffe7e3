/* SPDX-License-Identifier: Apache-2.0
 * Properties: random raw values of every type, order and scale come back bit by bit; decimals are
 * exact. */
#include "core/model/codec_kit.h"

static uint64_t
random_bits(uint32_t size)
{
    /* Small ones, large ones, and the ends. */
    uint64_t bits = kit_random();
    switch (kit_random() % 8) {
    case 0: bits %= 1000; break;
    case 1: bits = 0 - bits % 1000; break;
    case 2: bits = (uint64_t)1 << (kit_random() % 64); break;
    case 3: bits = ((uint64_t)1 << (kit_random() % 64)) - 1; break;
    default: break;
    }
    return size == 8 ? bits : bits & (((uint64_t)1 << size * 8) - 1);
}

/* As the binding's words say it: written another way than the codec does. */
static void
put_ordered(unsigned char *wire, uint64_t bits, uint32_t size, int little_bytes, int little_words)
{
    if (size == 1)
        wire[0] = (unsigned char)bits;
    for (uint32_t word = 0; word < size / 2;
         word++, bits >>= 16) { /* the least significant first */
        unsigned char *at = wire + 2 * (little_words ? word : size / 2 - 1 - word);
        at[little_bytes ? 0 : 1] = (unsigned char)bits;
        at[little_bytes ? 1 : 0] = (unsigned char)(bits >> 8);
    }
}

/* An f32 that is small beside the offset is lost in the double that is their sum. Whether what came
 * back is the same but for one step of the sum and one of the f32. Zero may lose its sign. */
static int
comes_near(const char *map)
{
    double first = t.value.as.r, offset;
    const char *at = strstr(map, "offset: ");
    decode_value(t.raw, 0);
    if (at == NULL || sscanf(at, "offset: %lf", &offset) != 1)
        return first == 0 && t.value.as.r == 0;
    double step = nextafter(fabs(first), INFINITY) - fabs(first);
    return fabs(t.value.as.r - first) <= step + fabs(first - offset) * 0x1p-23;
}

/* encode(decode(x)) == x, for every type, order and scale: the raw value comes back bit by bit. */
static void
round_trips(void)
{
    static const char *const types[] = {"u8",  "s8",  "u16", "s16", "u32",
                                        "s32", "u64", "s64", "f32", "f64"};
    static const uint32_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    static const char *const scales[] = {"",
                                         "scale: 0.1",
                                         "scale: 0.01, offset: -40",
                                         "scale: 3600000",
                                         "scale: -0.5, offset: 0.25",
                                         "scale: 0.392157",
                                         "scale: 1e-9",
                                         "scale: 123456.789, offset: 1e3",
                                         "offset: 273.15"};
    static const char *const words[] = {"big", "little"};
    char map[200];
    for (unsigned type = 0; type < LINTEL_COUNT(types); type++)
        for (unsigned order = 0; order < 4; order++)
            for (unsigned scale = 0; scale < LINTEL_COUNT(scales); scale++) {
                /* A scaled value is a double, so it carries 53 bits: f64 comes back but for its
                 * last ones. */
                int exact = scale == 0 || sizes[type] < 8;
                uint32_t size = sizes[type];
                snprintf(map, sizeof map, "{ type: %s, byteOrder: %s, wordOrder: %s, %s }",
                         types[type], words[order & 1], words[order >> 1], scales[scale]);
                OPEN(map, &NUMBER, "u16", size == 1 ? 1 : 2);
                for (unsigned i = 0; i < 400; i++) {
                    unsigned char wire[8];
                    uint64_t bits = random_bits(size);
                    if (!exact && types[type][0] != 'f') /* 48 bits, sign kept */
                        bits = types[type][0] == 's' ? (uint64_t)((int64_t)bits >> 16) : bits >> 16;
                    put_ordered(wire, bits, size, (int)(order & 1), (int)(order >> 1));
                    if (decode_value(bytes(wire, size), 0) != LINTEL_DECODED) {
                        CHECK(types[type][0] == 'f'); /* NaN, infinity, or scaled beyond a double */
                        continue;
                    }
                    lintel_status st = encode_with(t.value, NULL, 0);
                    if (!exact && types[type][0] == 'f')
                        continue; /* see real_round_trips */
                    if (st == LINTEL_OK && memcmp(t.raw.as.p, wire, size) == 0)
                        continue;
                    if (!CHECK_INT(st, LINTEL_OK) || !CHECK(types[type][0] == 'f') ||
                        !CHECK(comes_near(map)))
                        printf("%s: %016llx -> %s -> %s\n", map, (unsigned long long)bits,
                               show(&t.value), show(&t.raw));
                }
            }
    close_codec();
}

/* The same for doubles that people would write: up to ten digits, so that the scaled one has at
 * most fifteen. */
static void
real_round_trips(void)
{
    static const char *const scales[] = {"0.1", "0.001", "1000", "0.5", "25"};
    char map[100];
    for (unsigned scale = 0; scale < LINTEL_COUNT(scales); scale++) {
        snprintf(map, sizeof map, "{ type: f64, scale: %s }", scales[scale]);
        MODBUS(map, &NUMBER);
        for (unsigned i = 0; i < 20000; i++) {
            double x = (double)(int64_t)(kit_random() % 20000000000u - 10000000000u) /
                       pow(10, (double)(kit_random() % 6));
            unsigned char wire[8];
            uint64_t bits;
            memcpy(&bits, &x, 8);
            put_big(wire, bits, 8);
            CHECK(decode_value(bytes(wire, 8), 0) == LINTEL_DECODED);
            CHECK_INT(encode_with(t.value, NULL, 0), LINTEL_OK);
            if (x == 0)
                continue; /* -0.0 has become 0 */
            if (!CHECK(memcmp(t.raw.as.p, wire, 8) == 0))
                printf("%s: %.17g -> %.17g\n", map, x, t.value.as.r);
        }
    }
    close_codec();
}

static void
bcd_round_trips(void)
{
    static const char *const orders[] = {"big", "little"};
    char map[100];
    for (unsigned count = 1; count <= 4; count++)
        for (unsigned order = 0; order < 4; order++) {
            snprintf(map, sizeof map,
                     "{ type: bcd, count: %u, byteOrder: %s, wordOrder: %s, scale: 0.1 }", count,
                     orders[order & 1], orders[order >> 1]);
            MODBUS(map, &NUMBER);
            for (unsigned i = 0; i < 500; i++) {
                unsigned char wire[8];
                uint64_t digits = 0; /* at most fifteen: what a double holds */
                for (unsigned k = 0; k < count * 4 - (count == 4); k++)
                    digits = digits << 4 | kit_random() % 10;
                put_ordered(wire, digits, count * 2, (int)(order & 1), (int)(order >> 1));
                CHECK(decode_value(bytes(wire, count * 2), 0) == LINTEL_DECODED);
                CHECK_INT(encode_with(t.value, NULL, 0), LINTEL_OK);
                CHECK(memcmp(t.raw.as.p, wire, count * 2) == 0);
            }
        }
    close_codec();
}

static void
decimals_are_exact(void)
{
    MODBUS("{ type: s32, scale: 0.1 }", &NUMBER);
    for (int32_t k = -100000; k <= 100000; k++) {
        char literal[32];
        unsigned char wire[4];
        snprintf(literal, sizeof literal, "%s%d.%d", k < 0 ? "-" : "", abs(k) / 10, abs(k) % 10);
        put_big(wire, (uint32_t)k, 4);
        decode_value(bytes(wire, 4), 0);
        if (t.value.as.r != strtod(literal, NULL))
            CHECK_REAL(t.value.as.r, strtod(literal, NULL));
    }
    /* Every scale of one to nine places, random raw values, against the literal. */
    for (unsigned places = 1; places <= 9; places++) {
        char map[64];
        snprintf(map, sizeof map, "{ type: s64, scale: 1e-%u }", places);
        MODBUS(map, &NUMBER);
        for (unsigned i = 0; i < 5000; i++) {
            char literal[64];
            unsigned char wire[8];
            int64_t raw = (int64_t)kit_random() >> kit_random() % 60;
            snprintf(literal, sizeof literal, "%llde-%u", (long long)raw, places);
            put_big(wire, (uint64_t)raw, 8);
            decode_value(bytes(wire, 8), 0);
            double found = t.value.type == LINTEL_T_INT ? (double)t.value.as.i : t.value.as.r;
            if (found != strtod(literal, NULL))
                CHECK_REAL(found, strtod(literal, NULL));
        }
    }
    MODBUS("{ scale: 0.1 }", &NUMBER);
    DECODES("01 34", "30.8");
    CHECK_STR(encoded(real(30.8)), "01 34");
    CHECK_STR(encoded(real(30.84)), "01 34");
    CHECK_STR(encoded(real(30.86)), "01 35");
    close_codec();
}

static void
f32_is_short(void)
{
    MODBUS("type: f32", &NUMBER);
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t bits = (uint32_t)kit_random();
        float x;
        unsigned char wire[4];
        char shortest[40];
        memcpy(&x, &bits, 4);
        put_big(wire, bits, 4);
        if (decode_value(bytes(wire, 4), 0) != LINTEL_DECODED) {
            CHECK(!isfinite(x));
            continue;
        }
        int digits = 1;
        do
            snprintf(shortest, sizeof shortest, "%.*g", digits, (double)x);
        while (strtof(shortest, NULL) != x && digits++ < 9);
        if (t.value.as.r != strtod(shortest, NULL))
            CHECK_REAL(t.value.as.r, strtod(shortest, NULL));
        if ((float)t.value.as.r != x)
            CHECK_REAL((float)t.value.as.r, x);
    }
    close_codec();
}

static void
bit_round_trips(void)
{
    static const char *const types[] = {"u8", "u16", "u32", "u64"};
    char map[100];
    for (unsigned i = 0; i < 2000; i++) {
        unsigned type = (unsigned)(kit_random() % 4), size = 1u << type;
        unsigned bit = (unsigned)(kit_random() % (size * 8)),
                 width = 1 + (unsigned)(kit_random() % (size * 8 - bit));
        unsigned char wire[8];
        snprintf(map, sizeof map, "{ type: %s, bit: %u, width: %u }", types[type], bit, width);
        OPEN(map, &INTEGER, "u16", 1);
        put_big(wire, random_bits(size), size);
        lintel_value before = bytes(wire, size);
        CHECK(decode_value(before, 0) == LINTEL_DECODED);
        CHECK_INT(encode_with(t.value, &before, 0), LINTEL_OK);
        CHECK(memcmp(t.raw.as.p, wire, size) == 0);
        /* Another value changes the field and nothing else. */
        uint64_t field = kit_random() & (width == 64 ? UINT64_MAX : ((uint64_t)1 << width) - 1);
        lintel_value v = field > INT64_MAX ? large(field) : integer((int64_t)field);
        CHECK_INT(encode_with(v, &before, 0), LINTEL_OK);
        unsigned char changed[8];
        memcpy(changed, t.raw.as.p, size);
        CHECK(decode_value(bytes(changed, size), 0) == LINTEL_DECODED);
        CHECK(t.value.as.u == field);
        for (unsigned k = 0; k < size * 8; k++)
            if (k < bit || k >= bit + width)
                CHECK((wire[size - 1 - k / 8] >> k % 8 & 1) ==
                      (changed[size - 1 - k / 8] >> k % 8 & 1));
    }
    close_codec();
}

static void
text_round_trips(void)
{
    static const char *const maps[] = {
        "{ type: bytes, count: 9 }",
        "{ type: bytes, count: 9, encoding: base64 }",
        "{ type: bytes, count: 9, byteOrder: little }",
        "{ type: bytes, count: 400 }",
        "{ type: string, count: 9, encoding: latin1 }",
        "{ type: string, count: 400, encoding: latin1 }",
        "{ type: string, count: 9, encoding: ascii, byteOrder: little }"};
    unsigned char wire[800];
    for (unsigned m = 0; m < LINTEL_COUNT(maps); m++) {
        MODBUS(maps[m], &TEXT);
        uint32_t n = lintel_codec_wire_bytes(t.codec);
        for (unsigned i = 0; i < 300; i++) {
            for (uint32_t k = 0; k < n; k++)
                wire[k] = (unsigned char)(m < 4 ? kit_random()
                                                : 0x21 + kit_random() % (m < 6 ? 0xdf : 0x5e));
            CHECK(decode_value(bytes(wire, n), 0) == LINTEL_DECODED);
            CHECK_INT(encode_with(t.value, NULL, 0), LINTEL_OK);
            CHECK(t.raw.len == n && memcmp(t.raw.as.p, wire, n) == 0);
        }
    }
    close_codec();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(round_trips),  KIT(real_round_trips), KIT(bcd_round_trips),  KIT(decimals_are_exact),
        KIT(f32_is_short), KIT(bit_round_trips),  KIT(text_round_trips), {0}};
    return kit_main("codec, there and back", tests, argc, argv);
}
