/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_packet.h"

#include <string.h>

#include "tests/kit/kit.h"

static void
bytes_of_the_standard(void)
{
    /* MQTT 3.1.1, figure 3.11 and table 3.1: topic "a/b", identifier 1, QoS 1, retained. */
    static const uint8_t want[] = {0x33, 9, 0, 3, 'a', '/', 'b', 0, 1, 'h', 'i'};
    struct mqtt_packet p = {"a/b", 3, "hi", 2, 1, 1}, back;
    uint8_t out[64];
    REQUIRE(mqtt_packet_room(&p) <= sizeof out);
    REQUIRE(mqtt_packet_write(out, &p) == sizeof want);
    CHECK(memcmp(out, want, sizeof want) == 0);
    REQUIRE(mqtt_packet_read(want, sizeof want, &back));
    CHECK_INT(back.ntopic, 3);
    CHECK_INT(back.n, 2);
    CHECK_INT(back.qos, 1);
    CHECK_INT(back.retain, 1);
    CHECK(memcmp(back.payload, "hi", 2) == 0);
}

static void
long_ones(void)
{
    static char payload[20000];
    static uint8_t out[sizeof payload + 64];
    const size_t lengths[] = {0, 1, 120, 121, 122, 127, 128, 16370, 16376, 16377, 20000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct mqtt_packet p = {"abcd", 4, payload, lengths[i], 0, 0}, back;
        size_t n = mqtt_packet_write(out, &p);
        CHECK(n <= mqtt_packet_room(&p));
        REQUIRE(mqtt_packet_read(out, n, &back));
        CHECK_INT(back.n, lengths[i]);
        CHECK(!mqtt_packet_read(out, n - 1, &back));
    }
}

static void
others_are_refused(void)
{
    struct mqtt_packet p;
    const struct {
        const char *bytes;
        size_t n;
    } wrong[] = {{"", 0},
                 {"\x30", 1},
                 {"\x30\x00", 2},         /* no topic */
                 {"\x30\x02\x00\x01", 4}, /* a topic beyond the end */
                 {"\x30\x03\x00\x01"
                  "ab",
                  6}, /* bytes behind the packet */
                 {"\x32\x03\x00\x01"
                  "a",
                  5}, /* QoS 1 without an identifier */
                 {"\x36\x05\x00\x01"
                  "a\x00\x01",
                  7},                              /* QoS 3 */
                 {"\x40\x02\x00\x01", 4},          /* PUBACK */
                 {"\x30\xff\xff\xff\xff\x7f", 6}}; /* a length of five bytes */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!mqtt_packet_read((const uint8_t *)wrong[i].bytes, wrong[i].n, &p));
    CHECK(mqtt_packet_read((const uint8_t *)"\x30\x03\x00\x01"
                                            "a",
                           5, &p));
    p.ntopic = 70000;
    CHECK_INT(mqtt_packet_room(&p), 0);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(bytes_of_the_standard), KIT(long_ones), KIT(others_are_refused), {0}};
    return kit_main("mqtt packets", tests, argc, argv);
}
