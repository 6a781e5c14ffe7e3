/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/codec_kit.h"
#include "tests/kit/failures.h"

/* ---- types and orders ------------------------------------------------------------------------ */

static void
types(void)
{
    static const struct {
        const char *type, *hex, *value;
    } rows[] = {
        {"u8", "12 34", "52"},
        {"s8", "ff fe", "-2"},
        {"s8", "00 fe", "-2"},
        {"u16", "ff fe", "65534"},
        {"s16", "ff fe", "-2"},
        {"u32", "00 01 00 02", "65538"},
        {"s32", "ff ff ff fe", "-2"},
        {"u64", "00 00 00 01 00 00 00 00", "4294967296"},
        {"u64", "ff ff ff ff ff ff ff ff", "18446744073709551615u"},
        {"s64", "ff ff ff ff ff ff ff ff", "-1"},
        {"s64", "80 00 00 00 00 00 00 00", "-9223372036854775808"},
        {"f32", "41 aa 66 66", "21.3"},
        {"f32", "43 9a 00 00", "308.0"},
        {"f64", "40 35 4c cc cc cc cc cd", "21.3"},
        {"bcd", "12 34", "1234"},
        {"bool", "00 00", "false"},
        {"bool", "00 01", "true"},
        {"bool", "ff 00", "true"},
    };
    char map[64];
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        snprintf(map, sizeof map, "type: %s", rows[i].type);
        MODBUS(map, &ANY);
        DECODES(rows[i].hex, rows[i].value);
        if (i == 0 || i == 2 || strcmp(rows[i].hex, "ff 00") == 0)
            continue; /* bytes that are not the type's are not kept */
        CHECK_STR(encoded(t.value), rows[i].hex);
        CHECK_INT(lintel_codec_wire_bytes(t.codec), (strlen(rows[i].hex) + 1) / 3);
    }
    OPEN("type: u8", &ANY, "u16", 1);
    CHECK_INT(lintel_codec_wire_bytes(t.codec), 1);
    DECODES("fe", "254");
    OPEN("type: u16", &ANY, "u16", 4);
    DECODES("12 34 56 78", "22136");
    MODBUS("{}", &INTEGER);
    DECODES("00 07", "7");
    DECODES("07", "bad");
    CHECK_STR(t.decoding.reason, "1 bytes came where 2 are wanted");
}

static void
orders(void)
{
    static const struct {
        const char *type, *bytes, *words, *hex, *value;
    } rows[] = {
        {"u8", "big", "big", "00 12", "18"},
        {"u8", "little", "big", "12 00", "18"},
        {"s8", "little", "big", "fe ff", "-2"},
        {"u16", "little", "big", "34 12", "4660"},
        {"u32", "big", "big", "12 34 56 78", "305419896"},
        {"u32", "big", "little", "56 78 12 34", "305419896"},
        {"u32", "little", "big", "34 12 78 56", "305419896"},
        {"u32", "little", "little", "78 56 34 12", "305419896"},
        {"s32", "little", "little", "fe ff ff ff", "-2"},
        {"f32", "big", "little", "66 66 41 aa", "21.3"},
        {"f32", "little", "big", "aa 41 66 66", "21.3"},
        {"f32", "little", "little", "66 66 aa 41", "21.3"},
        {"u64", "big", "little", "de f0 9a bc 56 78 12 34", "1311768467463790320"},
        {"u64", "little", "big", "34 12 78 56 bc 9a f0 de", "1311768467463790320"},
        {"u64", "little", "little", "f0 de bc 9a 78 56 34 12", "1311768467463790320"},
        {"f64", "little", "little", "cd cc cc cc cc 4c 35 40", "21.3"},
        {"bcd, count: 2", "big", "little", "56 78 12 34", "12345678"},
        {"bcd, count: 2", "little", "little", "78 56 34 12", "12345678"},
    };
    char map[128];
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        snprintf(map, sizeof map, "{ type: %s, byteOrder: %s, wordOrder: %s }", rows[i].type,
                 rows[i].bytes, rows[i].words);
        MODBUS(map, &ANY);
        DECODES(rows[i].hex, rows[i].value);
        CHECK_STR(encoded(t.value), rows[i].hex);
    }
}

static void
bcd(void)
{
    MODBUS("type: bcd", &INTEGER);
    DECODES("12 3a", "bad");
    CHECK_STR(encoded(integer(10000)), "10000 does not fit bcd (0 .. 9999)");
    CHECK_STR(encoded(integer(-1)), "-1 does not fit bcd (0 .. 9999)");
    MODBUS("{ type: bcd, invalid: 0xFFFF }", &INTEGER);
    DECODES("ff ff", "none");
    close_codec();
}

/* ---- scaling --------------------------------------------------------------------------------- */

static void
scales(void)
{
    static const struct lintel_data joule = {.kind = LINTEL_DATA_NUMBER, .unit = "J"};
    static const struct lintel_data celsius = {.kind = LINTEL_DATA_NUMBER, .unit = "Cel"};
    MODBUS("{ type: u32, wordOrder: little, scale: 3600000 }", &joule);
    DECODES("00 10 00 00", "57600000.0");
    MODBUS("{ type: s16, scale: 0.1, unit: degF }", &celsius);
    DECODES("02 a8", "20.0");
    CHECK_STR(encoded(real(20)), "02 a8");
    MODBUS("{ type: u32, unit: kWh, scale: 0.01 }", &joule);
    DECODES("00 00 00 07", "252000.0");
    MODBUS("{ type: f32, scale: 0.1 }", &NUMBER);
    DECODES("41 aa 66 66", "2.13"); /* 21.3 */
    MODBUS("{ scale: 0.5 }", &INTEGER);
    DECODES("00 05", "3"); /* 2.5: half away from zero */
    MODBUS("{ type: s16, scale: 0.5 }", &INTEGER);
    DECODES("ff fb", "-3");
    DECODES("ff fc", "-2");
    /* Whole and above 2^53: not rounded to a double. */
    MODBUS("{ type: u64, scale: 3 }", &NUMBER);
    DECODES("00 20 00 00 00 00 00 01", "27021597764222979");
    CHECK_STR(encoded(t.value), "00 20 00 00 00 00 00 01");
    MODBUS("{ scale: 2 }", &NUMBER);
    CHECK_STR(encoded(real(140000)),
              "140000 is 70000 on the wire, and that does not fit u16 (0 .. 65535)");
    CHECK_INT(t.status, LINTEL_E_RANGE);
    MODBUS("{}", &NUMBER);
    CHECK_STR(encoded(real(70000)), "70000 does not fit u16 (0 .. 65535)");
    CHECK_STR(encoded(real(-1)), "-1 does not fit u16 (0 .. 65535)");
    CHECK_STR(encoded(real(1e30)), "1e+30 does not fit u16");
    CHECK_STR(encoded(real(1.5)), "00 02");
    MODBUS("{ type: f32 }", &NUMBER);
    CHECK_STR(encoded(real(1e39)), "1e+39 does not fit f32 (up to 3.4e38)");
    /* Beyond whole numbers of 127 bits: still right to the last digits of a double. */
    MODBUS("{ type: u32, scale: 1e-30, offset: 12345678901234.5678 }", &NUMBER);
    DECODES("00 00 00 00", "12345678901234.568");
    close_codec();
}

static void
scale_factors(void)
{
    int64_t raw = 0;
    unsigned char wire[2] = {0x09, 0x29};
    lintel_value v = bytes(wire, 2);
    MODBUS("{ type: s16, scaleFrom: powerFactor }", &NUMBER);
    CHECK_STR(lintel_codec_scale_from(t.codec), "powerFactor");
    decode_value(v, -1);
    CHECK_STR(shown(), "234.5");
    CHECK_INT(encode_with(real(234.5), NULL, -1), LINTEL_OK);
    CHECK_STR(show(&t.raw), "09 29");
    decode_value(v, 3);
    CHECK_STR(shown(), "2345000.0");
    CHECK_INT(encode_with(real(2345000), NULL, 3), LINTEL_OK);
    CHECK_STR(show(&t.raw), "09 29");
    decode_value(v, 11);
    CHECK_STR(shown(), "bad");
    CHECK_HAS(t.decoding.reason, "powerFactor is 10^11");
    CHECK_INT(encode_with(real(1), NULL, -32768), LINTEL_E_RANGE);
    for (int32_t power = -10; power <= 10; power++)
        for (unsigned i = 0; i < 1000; i++) {
            char literal[40];
            int16_t k = (int16_t)kit_random();
            put_big(wire, (uint16_t)k, 2);
            decode_value(v, power);
            snprintf(literal, sizeof literal, "%de%d", k, (int)power);
            CHECK_REAL(t.value.as.r, strtod(literal, NULL));
            CHECK_INT(encode_with(t.value, NULL, power), LINTEL_OK);
            CHECK(memcmp(t.raw.as.p, wire, 2) == 0);
        }
    MODBUS("{ type: s16, invalid: 0x8000 }", &INTEGER);
    wire[0] = 0xff, wire[1] = 0xfe;
    CHECK_INT(lintel_codec_decode(t.codec, &v, NULL, 0, &t.decoding, &t.value, &raw),
              LINTEL_DECODED);
    CHECK_INT(raw, -2);
    close_codec();
}

/* ---- invalid, map, bits ---------------------------------------------------------------------- */

static void
no_value(void)
{
    MODBUS("{ type: s16, invalid: [0x8000, 32767], scale: 0.1 }", &NUMBER);
    DECODES("80 00", "none");
    DECODES("7f ff", "none");
    DECODES("7f fe", "3276.6");
    CHECK_STR(encoded(real(3276.7)), "32767 means \"no value\" to the device");
    MODBUS("{ type: f32, invalid: NaN }", &NUMBER);
    DECODES("7f c0 00 00", "none");
    DECODES("ff ff ff ff", "none");
    DECODES("7f 80 00 00", "bad");
    MODBUS("{ type: f32 }", &NUMBER);
    DECODES("7f c0 00 00", "bad");
    CHECK_HAS(t.decoding.reason, "NaN");
    MODBUS("{ type: f32, invalid: [-9999.9, 0x7f7fffff] }", &NUMBER);
    DECODES("c6 1c 3f 9a", "none");
    DECODES("7f 7f ff ff", "none");
    MODBUS("{ type: u64, invalid: 0xffffffffffffffff }", &NUMBER);
    DECODES("ff ff ff ff ff ff ff ff", "none");
    DECODES("ff ff ff ff ff ff ff fe", "18446744073709551614u");
    MQTT("{ invalid: [\"\", unavailable] }", &NUMBER);
    DECODES_TEXT("unavailable", "none");
    DECODES_TEXT("", "none");
    DECODES_TEXT("12.5", "12.5");
    MQTT("{ pointer: /t, invalid: -1 }", &NUMBER);
    DECODES_TEXT("{\"t\":null}", "none");
    DECODES_TEXT("{\"t\":-1}", "none");
    DECODES_TEXT("{\"t\":-1.0}", "none");
    DECODES_TEXT("{\"t\":\"-1\"}", "none");
    DECODES_TEXT("{\"t\":-2}", "-2.0");
    close_codec();
}

static void
maps(void)
{
    static const char *const names[] = {"off", "heat", "cool", NULL};
    static const struct lintel_data mode = {.kind = LINTEL_DATA_STRING, .choices = names};
    static const char choices[] =
        "{ sdfChoice: { off: { const: 10 }, heat: { const: 20 }, cool: {} } }";
    struct lintel_doc *doc = lintel_doc_parse("m.json", choices, strlen(choices), NULL);
    REQUIRE(doc != NULL);
    const struct lintel_data *level = lintel_data_read(doc, doc->root, doc->arena, NULL);
    REQUIRE(level != NULL);
    MODBUS("map: { off: 0, heat: 1, cool: 0x10 }", &mode);
    DECODES("00 10", "'cool'");
    DECODES("00 00", "'off'");
    DECODES("00 02", "bad");
    CHECK_STR(t.decoding.reason, "the raw value 2 is not in map");
    CHECK_STR(encoded(text("heat")), "00 01");
    CHECK_STR(encoded(text("dry")), "\"dry\" is not in the binding's map");
    MODBUS("map: { off: 0, heat: 1, cool: 2 }", level);
    DECODES("00 01", "20");
    DECODES("00 02", "'cool'");
    CHECK_STR(encoded(integer(10)), "00 00");
    CHECK_STR(encoded(real(20)), "00 01");
    close_codec();
    lintel_doc_free(doc);
    MODBUS("map: { true: 1, false: 2 }", &BOOLEAN);
    DECODES("00 02", "false");
    DECODES("00 00", "bad");
    CHECK_STR(encoded(boolean(0)), "00 02");
    MODBUS("map: { 1.5: 1, -2: 3 }", &NUMBER);
    DECODES("00 01", "1.5");
    DECODES("00 03", "-2.0");
    CHECK_STR(encoded(real(-2)), "00 03");
    CHECK_STR(encoded(real(-3)), "-3 is not in the binding's map");
    OPEN("map: { heat: true, off: false }", &mode, "bool", 1);
    DECODES_VALUE(boolean(1), "'heat'");
    CHECK_STR(encoded(text("off")), "false");
    MQTT("map: { true: ON, false: OFF }", &BOOLEAN);
    DECODES_TEXT("ON", "true");
    DECODES_TEXT("on", "bad");
    CHECK_STR(t.decoding.reason, "the text \"on\" is not in map");
    CHECK_STR(encoded_text(boolean(0)), "OFF");
    MQTT("{ pointer: /state, map: { true: \"ON\", false: \"OFF\" } }", &BOOLEAN);
    DECODES_TEXT("{\"state\":\"ON\",\"x\":1}", "true");
    CHECK_STR(encoded_text(boolean(1)), "{\"state\":\"ON\"}");
    MQTT("{ pointer: /m, map: { heat: 2, off: \"0\", cool: true } }", &mode);
    DECODES_TEXT("{\"m\":2}", "'heat'");
    DECODES_TEXT("{\"m\":\"0\"}", "'off'");
    CHECK_STR(encoded_text(text("heat")), "{\"m\":2}");
    CHECK_STR(encoded_text(text("off")), "{\"m\":\"0\"}");
    CHECK_STR(encoded_text(text("cool")), "{\"m\":true}");
    MODBUS("{ type: string, count: 2, map: { true: \"YES\", false: \"NO\" } }", &BOOLEAN);
    DECODES("59 45 53 00", "true");
    CHECK_STR(encoded(boolean(0)), "4e 4f 00 00");
    close_codec();
}

static void
bits(void)
{
    unsigned char was[] = {0xab, 0xcd};
    lintel_value prior = bytes(was, 2);
    MODBUS("{ bit: 3 }", &BOOLEAN);
    DECODES("00 08", "true");
    DECODES("ff f7", "false");
    CHECK(lintel_codec_needs_prior(t.codec));
    CHECK_INT(encode_with(boolean(0), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "ab c5");
    CHECK_INT(encode_with(boolean(1), NULL, 0), LINTEL_E_FAIL);
    MODBUS("{ bit: 4, width: 8, byteOrder: little }", &INTEGER);
    DECODES("ab cd", "218"); /* 0xcdab >> 4 & 0xff */
    CHECK_INT(encode_with(integer(0x12), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "2b c1");
    CHECK_INT(encode_with(integer(256), &prior, 0), LINTEL_E_RANGE);
    CHECK_STR(t.reason, "256 does not fit 8 bits (0 .. 255)");
    MODBUS("{ type: u8, bit: 0, width: 4 }", &INTEGER);
    CHECK_INT(encode_with(integer(1), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "ab c1"); /* the other half of the register stays */
    MODBUS("{ bit: 8, width: 2, map: { a: 0, b: 3 } }", &TEXT);
    DECODES("03 00", "'b'");
    CHECK_INT(encode_with(text("a"), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "a8 cd");
    MODBUS("{ type: u64, bit: 0, width: 64 }", &INTEGER);
    CHECK(!lintel_codec_needs_prior(t.codec));
    DECODES("ff ff ff ff ff ff ff ff", "18446744073709551615u");
    CHECK_STR(encoded(large(UINT64_MAX)), "ff ff ff ff ff ff ff ff");
    MODBUS("{ bit: 12, width: 4, scale: 0.5, invalid: 15 }", &NUMBER);
    DECODES("30 00", "1.5");
    DECODES("f0 00", "none");
    CHECK_INT(encode_with(real(2.5), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "5b cd");
    OPEN("{ bit: 1 }", &BOOLEAN, "", 1);
    DECODES_VALUE(integer(2), "true");
    DECODES_VALUE(integer(-2), "bad");
    prior = integer(5);
    CHECK_INT(encode_with(boolean(1), &prior, 0), LINTEL_OK);
    CHECK_STR(show(&t.raw), "7");
    close_codec();
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void
texts(void)
{
    MODBUS("{ type: string, count: 4 }", &TEXT);
    CHECK_INT(lintel_codec_wire_bytes(t.codec), 8);
    DECODES("41 43 4d 45 20 20 00 00", "'ACME'");
    DECODES("20 41 00 42 43 44 45 46", "' A'");
    DECODES("41 42 43 44 45 46 47 48", "'ABCDEFGH'");
    DECODES("41 c3 a4 00 00 00 00 00", "'A\xc3\xa4'");
    DECODES("41 e4 00 00 00 00 00 00", "bad");
    CHECK_HAS(t.decoding.reason, "latin1");
    DECODES("41 43", "bad");
    CHECK_STR(encoded(text("ACME")), "41 43 4d 45 00 00 00 00");
    CHECK_STR(encoded(text("ACME 123.")), "the text has 9 bytes, and the device takes 8");
    MODBUS("{ type: string, count: 2, byteOrder: little }", &TEXT);
    DECODES("43 41 45 4d", "'ACME'");
    CHECK_STR(encoded(text("ACM")), "43 41 00 4d");
    MODBUS("{ type: string, count: 2, encoding: latin1 }", &TEXT);
    DECODES("41 e4 00 00", "'A\xc3\xa4'");
    CHECK_STR(encoded(text("A\xc3\xa4")), "41 e4 00 00");
    CHECK_HAS(encoded(text("\xe2\x82\xac")), "Latin-1");
    CHECK_INT(t.status, LINTEL_E_RANGE);
    MODBUS("{ type: string, count: 2, encoding: ascii }", &TEXT);
    DECODES("41 e4 00 00", "bad");
    CHECK_HAS(encoded(text("\xc3\xa4")), "ASCII");
    MODBUS("{ type: bytes, count: 2 }", &TEXT);
    DECODES("00 ff 10 20", "'00ff1020'");
    CHECK_STR(encoded(text("00FF1020")), "00 ff 10 20");
    CHECK_HAS(encoded(text("00FF1")), "hexadecimal");
    CHECK_HAS(encoded(text("00FF10203040")), "takes 4");
    MODBUS("{ type: bytes, count: 2, encoding: base64 }", &TEXT);
    DECODES("00 ff 10 20", "'AP8QIA=='");
    CHECK_STR(encoded(text("AP8QIA")), "00 ff 10 20");
    CHECK_STR(encoded(text("AP8QI")), "the text is not base64");
    MODBUS("{ type: bytes, count: 2, byteOrder: little }", &OCTETS);
    DECODES("00 ff 10 20", "ff 00 20 10");
    CHECK_STR(encoded(t.value), "00 ff 10 20");
    MODBUS("{ type: string, count: 4, encoding: hex }", &OCTETS);
    DECODES("30 41 46 66 20 20 00 00", "0a ff");
    CHECK_STR(encoded(bytes("\x0a\xff", 2)), "30 61 66 66 00 00 00 00");
    MODBUS("{ type: string, count: 2 }", &NUMBER);
    DECODES("31 32 2e 35", "12.5");
    CHECK_STR(encoded(real(1.5)), "31 2e 35 00");
    MODBUS("{ type: u32 }", &TEXT);
    DECODES("00 00 30 39", "'12345'");
    CHECK_STR(encoded(text("12345")), "00 00 30 39");
    CHECK_INT(encode_with(text("x"), NULL, 0), LINTEL_E_TYPE);
    close_codec();
}

/* ---- typed values, payloads ------------------------------------------------------------------ */

static void
typed_values(void)
{
    OPEN("{}", &BOOLEAN, "bool", 1);
    DECODES_VALUE(boolean(1), "true");
    CHECK_STR(encoded(boolean(1)), "true");
    CHECK_INT(lintel_codec_wire_bytes(t.codec), 0);
    OPEN("{}", &INTEGER, "bool", 1);
    DECODES_VALUE(boolean(1), "1");
    CHECK_STR(encoded(integer(1)), "true");
    CHECK_STR(encoded(integer(2)), "2 does not fit bool (0 .. 1)");
    OPEN("{}", &NUMBER, "", 1);
    DECODES_VALUE(real(21.5), "21.5");
    DECODES_VALUE(integer(21), "21.0");
    DECODES_VALUE(text("21"), "21.0");
    DECODES_VALUE(bytes("\x12", 1), "bad");
    CHECK_STR(encoded(real(21.5)), "21.5");
    CHECK_INT(t.raw.type, LINTEL_T_REAL);
    CHECK_STR(encoded(integer(3)), "3");
    OPEN("{ type: u8, scale: 0.5 }", &NUMBER, "", 1);
    DECODES_VALUE(integer(5), "2.5");
    DECODES_VALUE(integer(256), "bad");
    CHECK_STR(t.decoding.reason, "256 does not fit u8");
    DECODES_VALUE(real(2.5), "bad");
    CHECK_STR(encoded(real(2.5)), "5");
    CHECK_INT(t.raw.type, LINTEL_T_INT);
    OPEN("{}", &TEXT, "", 1);
    DECODES_VALUE(text("x"), "'x'");
    DECODES_VALUE(bytes("\x12\x34", 2), "'1234'");
    CHECK_STR(encoded(text("x")), "'x'");
    OPEN("{}", &OCTETS, "", 1);
    DECODES_VALUE(bytes("\x12\x34", 2), "12 34");
    CHECK_STR(encoded(bytes("\x12", 1)), "12");
    OPEN("{ type: string }", &NUMBER, "", 1);
    CHECK_STR(encoded(real(21.5)), "'21.5'");
    lintel_value null = {0};
    CHECK_STR(encoded(null), "null");
    lintel_member members[] = {{"a", integer(1)}};
    lintel_value list[] = {{.type = LINTEL_T_MAP, .len = 1, .as.map = members}};
    lintel_value tree = {.type = LINTEL_T_LIST, .len = 1, .as.list = list};
    OPEN("pointer: /0/a", &NUMBER, "", 1);
    DECODES_VALUE(tree, "1.0");
    OPEN("pointer: /1/a", &NUMBER, "", 1);
    DECODES_VALUE(tree, "absent");
    OPEN("{}", &OBJECT, "", 1);
    DECODES_VALUE(list[0], "type 8 of 1");
    DECODES_VALUE(tree, "bad");
    CHECK_STR(encoded(list[0]), "type 8 of 1");
    close_codec();
}

static void
payloads(void)
{
    MQTT("{}", &NUMBER);
    DECODES_TEXT(" 21.5\r\n", "21.5");
    DECODES_TEXT("+3", "3.0");
    DECODES_TEXT("warm", "bad");
    CHECK_STR(t.decoding.reason, "the text \"warm\" is no number");
    CHECK_STR(encoded_text(real(21.5)), "21.5");
    CHECK_STR(encoded_text(real(100)), "100");
    MQTT("{}", &BOOLEAN);
    DECODES_TEXT("On", "true");
    DECODES_TEXT("0", "false");
    DECODES_TEXT("maybe", "bad");
    CHECK_STR(encoded_text(boolean(1)), "true");
    MQTT("{}", &TEXT);
    DECODES_TEXT("hello ", "'hello '");
    CHECK_STR(encoded_text(text("hello ")), "hello ");
    MQTT("{ type: u16 }", &INTEGER);
    DECODES("01 02", "258");
    CHECK_STR(encoded(integer(258)), "01 02");
    MQTT("{ pointer: /a~1b/1/c~0 }", &NUMBER);
    DECODES_TEXT("{\"a/b\":[0,{\"c~\":4.25}]}", "4.25");
    DECODES_TEXT("{\"a/b\":[0]}", "absent");
    DECODES_TEXT("{\"a/b\":3}", "absent");
    DECODES_TEXT("[]", "absent");
    DECODES_TEXT("", "absent");
    DECODES_TEXT("{\"a/b\":[0,{\"c~\":[]}]}", "bad");
    DECODES_TEXT("no JSON", "bad");
    CHECK_STR(t.decoding.reason, "the payload is no JSON");
    CHECK_INT(encode_with(real(1), NULL, 0), LINTEL_E_NOTSUP);
    MQTT("{ pointer: /x/y }", &NUMBER);
    DECODES_TEXT("{\"x\":{\"y\":\"2.5\"},\"big\":123456789012345678901234567890}", "2.5");
    CHECK_STR(encoded_text(real(0.1)), "{\"x\":{\"y\":0.1}}");
    MQTT("{ pointer: /x, type: string }", &NUMBER);
    CHECK_STR(encoded_text(real(0.1)), "{\"x\":\"0.1\"}");
    MQTT("{ pointer: /brightness, type: u8, scale: 0.392157 }", &NUMBER);
    DECODES_TEXT("{\"brightness\":127}", "49.803939");
    CHECK_STR(encoded_text(real(50)), "{\"brightness\":127}");
    CHECK_STR(encoded_text(real(100)), "{\"brightness\":255}");
    DECODES_TEXT("{\"brightness\":256}", "bad");
    MQTT("{ pointer: \"\" }", &TEXT);
    DECODES_TEXT("\"a\\u00e4\"", "'a\xc3\xa4'");
    CHECK_STR(encoded_text(text("a\"")), "\"a\\\"\"");
    MQTT("{ pointer: /p }", &OCTETS);
    DECODES_TEXT("{\"p\":\"AQI\"}", "01 02");
    CHECK_STR(encoded_text(bytes("\1\2", 2)), "{\"p\":\"AQI=\"}");
    MQTT("{ pointer: /p, encoding: hex }", &OCTETS);
    DECODES_TEXT("{\"p\":\"0102\"}", "01 02");
    DECODES_TEXT("{\"p\":\"01021\"}", "bad");
    CHECK_STR(encoded_text(bytes("\1\2", 2)), "{\"p\":\"0102\"}");
    MQTT("{}", &OBJECT);
    DECODES_TEXT("{\"a\":[1,2.5,\"x\",null,true],\"b\":{}}", "type 8 of 2");
    CHECK_STR(encoded_text(t.value), "{\"a\":[1,2.5,\"x\",null,true],\"b\":{}}");
    MQTT("pattern: 'T=(-?[0-9.]+)C'", &NUMBER);
    DECODES_TEXT("x T=-12.5C y", "-12.5");
    DECODES_TEXT("nothing", "absent");
    CHECK_INT(encode_with(real(1), NULL, 0), LINTEL_E_NOTSUP);
    MQTT("{ pointer: /s, pattern: 'v([0-9]+)' }", &TEXT);
    DECODES_TEXT("{\"s\":\"v12b\"}", "'12'");
    close_codec();
}

/* Two codecs, one payload: parsed once, and texts of both live as long as it. */
static void
shared_payload(void)
{
    static const char json[] = "{\"a\":\"one\",\"b\":\"two\"}";
    struct lintel_payload w = {0};
    lintel_value raw = bytes(json, strlen(json)), a, b;
    struct lintel_decoding da, db;
    MQTT("pointer: /a", &TEXT);
    CHECK(lintel_codec_parses(t.codec));
    CHECK_INT(lintel_codec_decode(t.codec, &raw, &w, 0, &da, &a, NULL), LINTEL_DECODED);
    const void *tree = w.json;
    CHECK(tree != NULL);
    MQTT("pointer: /b", &TEXT);
    CHECK_INT(lintel_codec_decode(t.codec, &raw, &w, 0, &db, &b, NULL), LINTEL_DECODED);
    CHECK(w.json == tree);
    CHECK_STR(a.as.s, "one");
    CHECK_STR(b.as.s, "two");
    CHECK_INT(lintel_codec_decode(t.codec, &raw, NULL, 0, &db, &b, NULL), LINTEL_DECODED_BAD);
    lintel_payload_reset(&w, NULL, 0);
    /* Text longer than a decoding holds lies in the payload. */
    char *big = malloc(70000);
    memset(big, 'x', 70000);
    raw = bytes(big, 70000);
    MQTT("{}", &TEXT);
    CHECK(lintel_codec_parses(t.codec));
    CHECK_INT(lintel_codec_decode(t.codec, &raw, &w, 0, &da, &a, NULL), LINTEL_DECODED);
    CHECK(a.len == 70000 && strlen(a.as.s) == 70000);
    CHECK_INT(lintel_codec_decode(t.codec, &raw, NULL, 0, &da, &a, NULL), LINTEL_DECODED_BAD);
    lintel_payload_reset(&w, NULL, 0);
    free(big);
    /* Nested deeper than anybody means. */
    char deep[402];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = '\0';
    MQTT("pointer: \"\"", &ANY);
    DECODES_TEXT(deep, "bad");
    close_codec();
}

/* ---- the model's limits ---------------------------------------------------------------------- */

static void
limits(void)
{
    static const struct lintel_data d = {.kind = LINTEL_DATA_NUMBER,
                                         .flags = LINTEL_DATA_MIN | LINTEL_DATA_MAX,
                                         .min = 5,
                                         .max = 26};
    MODBUS("scale: 0.1", &d);
    DECODES("01 04", "26.0");
    DECODES("01 05", "range");
    CHECK_REAL(t.value.as.r, 26.1);
    CHECK_HAS(t.decoding.reason, "26");
    close_codec();
}

/* ---- what is wrong with a binding ------------------------------------------------------------ */

static void
mistakes(void)
{
    static const char *const names[] = {"off", "heat", NULL};
    static const struct lintel_data mode = {.kind = LINTEL_DATA_STRING, .choices = names};
    static const struct lintel_data watt = {.kind = LINTEL_DATA_NUMBER, .unit = "W"};
    static const struct lintel_data room = {
        .kind = LINTEL_DATA_NUMBER, .flags = LINTEL_DATA_MAX, .max = 26};
    static const struct {
        const char *map, *problem;
        const struct lintel_data *data;
        const char *natural;
    } rows[] = {
        {"{ type: u61 }", "1:9: unknown type \"u61\" (did you mean \"u16\"?)", &NUMBER, "u16"},
        {"{ type: [u16] }", "1:9: type must be a single value, not a list", &NUMBER, "u16"},
        {"{ type: quaternion }", "unknown type \"quaternion\"; it is one of bool, u8", &NUMBER,
         "u16"},
        {"{ byteOrder: litle }", "1:14: unknown byteOrder \"litle\" (did you mean \"little\"?)",
         &NUMBER, "u16"},
        {"{ type: string, count: 2, encoding: utf8 }",
         "1:37: unknown encoding \"utf8\" (did you mean \"utf-8\"?)", &TEXT, "u16"},
        {"{ encoding: hex }", "1:13: encoding is for texts, not for u16", &NUMBER, "u16"},
        {"{ type: f32, bit: 3 }", "1:19: bit needs an unsigned type such as u32, not f32", &BOOLEAN,
         "u16"},
        {"{ type: s16, bit: 3 }", "bit needs an unsigned type such as u16, not s16", &BOOLEAN,
         "u16"},
        {"{ bit: 16 }", "1:8: bit must be a whole number from 0 to 15, not 16", &BOOLEAN, "u16"},
        {"{ bit: 12, width: 5 }", "1:19: width must be a whole number from 1 to 4, not 5", &INTEGER,
         "u16"},
        {"{ width: 5 }", "1:10: width needs bit", &INTEGER, "u16"},
        {"{ count: 2 }", "1:10: count is for string, bytes and bcd, not for u16", &NUMBER, "u16"},
        {"{ type: string }", "1:9: string needs count", &TEXT, "u16"},
        {"{ type: bcd, count: 5 }", "1:21: count must be a whole number from 1 to 4, not 5",
         &NUMBER, "u16"},
        {"{ scale: 0 }", "1:10: scale 0 would make every value the same", &NUMBER, "u16"},
        {"{ scale: ten }", "1:10: scale must be a decimal number", &NUMBER, "u16"},
        {"{ scale: '0.1' }", "not the text \"0.1\"", &NUMBER, "u16"},
        {"{ scale: 0.1 }", "1:10: scale is for numbers, and the model's value is none", &BOOLEAN,
         "u16"},
        {"{ scale: 0.1, map: { 1: 2 } }", "1:10: scale and map exclude each other", &NUMBER, "u16"},
        {"{ unit: kWh }",
         "1:9: kWh can't be converted to W, the model's unit: they measure different things", &watt,
         "u16"},
        {"{ unit: kWx }", "1:9: unknown unit \"kWx\"", &watt, "u16"},
        {"{ unit: W }", "1:9: the model gives this value no unit", &NUMBER, "u16"},
        {"{ pointer: state }", "1:12: pointer \"state\" is no JSON pointer", &NUMBER, "string"},
        {"{ pointer: /a~2 }", "is no JSON pointer", &NUMBER, "string"},
        {"{ pointer: /a, byteOrder: little }",
         "1:27: byteOrder needs bytes on the wire, and pointer takes", &NUMBER, "string"},
        {"{ pointer: /a, count: 3 }", "count is for string, bytes and bcd outside", &NUMBER,
         "string"},
        {"{ pattern: 'T=[0-9]+' }", "1:12: pattern \"T=[0-9]+\" has no group", &NUMBER, "string"},
        {"{ pattern: 'T=([0-9+' }", "1:12: pattern: ", &NUMBER, "string"},
        {"{ type: string, count: 2, wordOrder: little }",
         "1:38: wordOrder is for numbers, not for string", &TEXT, "u16"},
        {"{ wordOrder: little }",
         "1:14: wordOrder needs bytes on the wire, and the protocol gives a typed value", &NUMBER,
         ""},
        {"{ type: bytes, count: 2 }", "1:9: the model's value is a number, and bytes are none",
         &NUMBER, "u16"},
        {"{}", "1:1: the model's value is a word (off, heat): say with map", &mode, "u16"},
        {"{ map: { off: 0, heet: 1 } }",
         "1:18: the model has no value \"heet\" (did you mean \"heat\"?)", &mode, "u16"},
        {"{ map: { off: 1, heat: 0x1 } }",
         "1:24: map is ambiguous: \"off\" and \"heat\" are both 0x1 on the wire", &mode, "u16"},
        {"{ map: { off: 70000 } }", "1:15: 70000 does not fit u16", &mode, "u16"},
        {"{ bit: 0, width: 2, map: { off: 4 } }", "4 does not fit 2 bits", &mode, "u16"},
        {"{ map: { off: ON } }", "1:15: map: u16 needs a number, not \"ON\"", &mode, "u16"},
        {"{ map: { maybe: 1 } }", "1:10: the model's value is true or false, not \"maybe\"",
         &BOOLEAN, "u16"},
        {"{ invalid: [7, 0], map: { true: 1, false: 0 } }", "1:43: map: 0 is also in invalid",
         &BOOLEAN, "u16"},
        {"{ map: { 30: 1 } }",
         "1:10: the model does not allow this value: 30 is above the maximum of 26", &room, "u16"},
        {"{ map: { x: 1 } }", "the model's value is a number, not \"x\"", &NUMBER, "u16"},
        {"{ map: [1] }", "1:8: map is a map", &NUMBER, "u16"},
        {"{ invalid: { a: 1 } }", "1:12: invalid is a raw value, or a list", &NUMBER, "u16"},
        {"{ invalid: NaN }", "1:12: u16 has no NaN", &NUMBER, "u16"},
        {"{ invalid: 1.5 }", "1:12: 1.5 is not whole, and u16 is", &NUMBER, "u16"},
        {"{ type: u16 }", "the model's value is an object", &OBJECT, "u16"},
        {"{ type: f32 }", "the model's value is a byte-string, and f32 is a number", &OCTETS,
         "u16"},
        {"{}", "the plugin's natural type \"u17\" is unknown", &NUMBER, "u17"},
    };
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        if (!CHECK(!open_codec(rows[i].map, rows[i].data, rows[i].natural,
                               rows[i].natural[0] == 'u' ? 2 : 1)))
            printf("not refused: %s\n", rows[i].map);
        CHECK_HAS(problem(), rows[i].problem);
    }
    /* All of them at once. */
    CHECK(!open_codec("{ type: u61, byteOrder: x, scale: a, bit: 99 }", &NUMBER, "u16", 2));
    CHECK_INT(t.report.errors, 4);
    MODBUS("{ wordOrder: little }", &NUMBER);
    CHECK_INT(t.report.warnings, 1);
    close_codec();
}

static void
descriptions(void)
{
    static const struct lintel_data celsius = {.kind = LINTEL_DATA_NUMBER, .unit = "Cel"};
    char out[100];
    MODBUS("{ type: f32, wordOrder: little, scale: 0.1, offset: -40 }", &celsius);
    lintel_codec_describe(t.codec, out, sizeof out);
    CHECK_STR(out, "f32 big, words little, x 0.1, -40, Cel");
    MODBUS("{ bit: 3, width: 2, map: { a: 1 } }", &TEXT);
    lintel_codec_describe(t.codec, out, sizeof out);
    CHECK_STR(out, "u16 big, bits 3 to 4, map of 1");
    MQTT("{ pointer: /a/b, type: u8 }", &NUMBER);
    lintel_codec_describe(t.codec, out, sizeof out);
    CHECK_STR(out, "JSON /a/b, u8");
    MODBUS("{ type: string, count: 4, encoding: latin1 }", &TEXT);
    lintel_codec_describe(t.codec, out, sizeof out);
    CHECK_STR(out, "string of 8 bytes latin1");
    lintel_codec_describe(t.codec, out, 7);
    CHECK_STR(out, "string");
    close_codec();
}

/* ---- out of memory --------------------------------------------------------------------------- */

static int
compile_once(void *ctx)
{
    struct lintel_report report = {0};
    struct lintel_codec *c = lintel_codec_compile(ctx, &report);
    kit_memory_is_back();
    int done = c != NULL;
    CHECK(done == (report.errors == 0));
    lintel_report_fini(&report);
    lintel_codec_unref(c);
    return done;
}

static void
memory_runs_out(void)
{
    static const char map[] =
        "{ pointer: /a/b, pattern: '([a-z]+)', map: { x: \"a\", y: \"b\" }, invalid: [c, d], "
        "encoding: utf-8 }";
    static const char scaled[] = "{ type: u32, scale: 0.1, unit: kW, scaleFrom: sf, invalid: 7 }";
    static const struct lintel_data watt = {.kind = LINTEL_DATA_NUMBER, .unit = "W"};
    close_codec();
    for (int which = 0; which < 2; which++) {
        const char *source = which ? scaled : map;
        struct lintel_doc *doc = lintel_doc_parse("b.yaml", source, strlen(source), &t.report);
        REQUIRE(doc != NULL);
        struct lintel_codec_source s = {doc, doc->root, which ? &watt : &TEXT,
                                        which ? "u16" : "string", which ? 2 : 1};
        CHECK(kit_each_failure(compile_once, &s) > 4);
        lintel_doc_free(doc);
    }
    MODBUS("{ type: string, count: 4 }", &TEXT);
    lintel_buf_fini(&t.out);
    lintel_mem_fail_at(1);
    CHECK_INT(encode_with(text("abc"), NULL, 0), LINTEL_E_NOMEM);
    lintel_mem_fail_at(0);
    CHECK_INT(encode_with(text("abc"), NULL, 0), LINTEL_OK);
    close_codec();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(types),
                                            KIT(orders),
                                            KIT(bcd),
                                            KIT(scales),
                                            KIT(scale_factors),
                                            KIT(no_value),
                                            KIT(maps),
                                            KIT(bits),
                                            KIT(texts),
                                            KIT(typed_values),
                                            KIT(payloads),
                                            KIT(shared_payload),
                                            KIT(limits),
                                            KIT(mistakes),
                                            KIT(descriptions),
                                            KIT(memory_runs_out),
                                            {0}};
    return kit_main("codec", tests, argc, argv);
}
