/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_topic.h"

#include <stdio.h>
#include <string.h>

#include "tests/kit/kit.h"

/* The examples of MQTT 3.1.1 section 4.7, and their neighbours. */
static void
filters_match_as_the_standard_says(void)
{
    static const struct {
        const char *filter, *name;
        int matches;
    } rows[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", 1},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", 1},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", 1},
        {"sport/tennis/player1/#", "sport/tennis/player2", 0},
        {"sport/tennis/player1/#", "sport/tennis/player10", 0},
        {"sport/#", "sport", 1},
        {"sport/#", "sports", 0},
        {"#", "sport", 1},
        {"#", "a/b/c", 1},
        {"#", "/", 1},
        {"sport/tennis/+", "sport/tennis/player1", 1},
        {"sport/tennis/+", "sport/tennis/player1/ranking", 0},
        {"sport/tennis/+", "sport/tennis", 0},
        {"sport/+", "sport", 0},
        {"sport/+", "sport/", 1},
        {"+", "sport", 1},
        {"+", "sport/tennis", 0},
        {"+/tennis/#", "sport/tennis", 1},
        {"+/tennis/#", "sport/tennis/a/b", 1},
        {"+/tennis/#", "sport/golf/a", 0},
        {"+/+", "/finance", 1},
        {"/+", "/finance", 1},
        {"+", "/finance", 0},
        {"#", "$SYS/monitor/clients", 0},
        {"+/monitor/clients", "$SYS/monitor/clients", 0},
        {"$SYS/#", "$SYS/monitor/clients", 1},
        {"$SYS/#", "$SYS", 1},
        {"$SYS/monitor/+", "$SYS/monitor/clients", 1},
        {"a/+/c", "a//c", 1},
        {"a/+/c", "a/b/d", 0},
        {"a/+/+", "a/b", 0},
        {"a/b", "a/b", 1},
        {"a/b", "a/B", 0},
        {"a/b", "a/b/", 0},
        {"a/b/", "a/b", 0},
        {"a/b", "a/bc", 0},
        {"a/bc", "a/b", 0},
        {"/", "/", 1},
        {"a/+/#", "a/b", 1},
        {"a/+/#", "a", 0},
        {"a", "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[120];
        int found = mqtt_topic_matches(rows[i].filter, rows[i].name, strlen(rows[i].name));
        snprintf(what, sizeof what, "%s on %s", rows[i].filter, rows[i].name);
        kit_check_int(found, rows[i].matches, what, __FILE__, __LINE__, __func__);
    }
}

static void
a_name_ends_at_its_length(void)
{
    CHECK(mqtt_topic_matches("a/b", "a/bcd", 3));
    CHECK(!mqtt_topic_matches("a/b", "a/b\0d", 5));
    CHECK(mqtt_topic_matches("a/+", "a/b\0d", 5));
}

static void
bad_topics_are_refused_with_the_reason(void)
{
    char most[MQTT_TOPIC_MOST + 1];
    memset(most, 'a', sizeof most);
    most[MQTT_TOPIC_MOST - 1] = '\0';
    CHECK(mqtt_topic_wrong(most, 0) == NULL);
    most[MQTT_TOPIC_MOST - 1] = 'a';
    most[MQTT_TOPIC_MOST] = '\0';
    CHECK_HAS(mqtt_topic_wrong(most, 0), "longer than 1,023");
    CHECK_HAS(mqtt_topic_wrong("", 1), "empty");
    CHECK_HAS(mqtt_topic_wrong("a\nb", 1), "control character");
    CHECK_HAS(mqtt_topic_wrong("a/+", 0), "for reading only");
    CHECK_HAS(mqtt_topic_wrong("#", 0), "for reading only");
    CHECK_HAS(mqtt_topic_wrong("a+", 1), "level of its own");
    CHECK_HAS(mqtt_topic_wrong("a/b#", 1), "level of its own");
    CHECK_HAS(mqtt_topic_wrong("+a/b", 1), "level of its own");
    CHECK_HAS(mqtt_topic_wrong("a/#/b", 1), "goes on behind #");
    static const char *const good[] = {"#", "+", "+/+", "a/+/b/#", "/", "a//b", "$SYS/x", "ä/ö b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(mqtt_topic_wrong(good[i], 1) == NULL);
}

static void
relative_topics_are_joined(void)
{
    char out[MQTT_TOPIC_MOST], most[MQTT_TOPIC_MOST];
    CHECK_INT(mqtt_topic_join(out, "z/lamp", ""), 0);
    CHECK_STR(out, "z/lamp");
    CHECK_INT(mqtt_topic_join(out, "z/lamp", "set"), 0);
    CHECK_STR(out, "z/lamp/set");
    CHECK_INT(mqtt_topic_join(out, "z/lamp", "/bridge/state"), 0);
    CHECK_STR(out, "bridge/state");
    memset(most, 'a', sizeof most);
    most[MQTT_TOPIC_MOST - 1] = '\0';
    CHECK_INT(mqtt_topic_join(out, most, ""), 0);
    CHECK_INT(mqtt_topic_join(out, most, "b"), -1);
    most[MQTT_TOPIC_MOST - 3] = '\0';
    CHECK_INT(mqtt_topic_join(out, most, "b"), 0);
    CHECK_INT(strlen(out), MQTT_TOPIC_MOST - 1);
}

static int
says_online(const char *text)
{
    return mqtt_availability_is(text, strlen(text), "online");
}

static void
availability_is_a_word_or_a_member(void)
{
    CHECK(says_online("online"));
    CHECK(says_online(" online\n"));
    CHECK(says_online("{\"state\":\"online\"}"));
    CHECK(says_online(" {\"x\": 1, \"state\" : \"online\" } "));
    CHECK(!says_online("offline"));
    CHECK(!says_online("onlin"));
    CHECK(!says_online("online!"));
    CHECK(!says_online(""));
    CHECK(!says_online("{\"state\":\"offline\",\"was\":\"online\"}"));
    CHECK(!says_online("{\"state\":\"online"));
    CHECK(!says_online("{\"state\":"));
    CHECK(!says_online("{\"state\""));
    CHECK(!says_online("{\"status\":\"online\"}"));
    CHECK(says_online("{\"state\":1,\"state\":\"online\"}"));
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(filters_match_as_the_standard_says),     KIT(a_name_ends_at_its_length),
        KIT(bad_topics_are_refused_with_the_reason), KIT(relative_topics_are_joined),
        KIT(availability_is_a_word_or_a_member),     {0}};
    return kit_main("mqtt_topic", tests, argc, argv);
}
