/* SPDX-License-Identifier: Apache-2.0
 * The plugin against mosquitto, with mosquitto_pub and mosquitto_sub as peers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt_testhost.h"
#include "tests/kit/kit.h"

enum {
    PROPERTY = LINTEL_K_PROPERTY,
    ACTION = LINTEL_K_ACTION,
    EVENT = LINTEL_K_EVENT,
    READ = LINTEL_P_READ,
    WRITE = LINTEL_P_WRITE,
    NOTIFY = LINTEL_P_NOTIFY,
    WAIT_MS = 10000
};

static lintel_value
text(const char *s)
{
    return (lintel_value){.type = LINTEL_T_BYTES, .len = (uint32_t)strlen(s), .as.p = s};
}

/* The outcome of a request for one point. */
static lintel_status
ask_for(struct fakehost *h, int op, int point, const lintel_value *v, uint32_t ms)
{
    struct fakehost_result *r = fakehost_request(h, op, &point, 1, v, ms, 0);
    lintel_status st = !r->done ? 1 : r->status != LINTEL_OK ? r->status : r->samples[0].status;
    fakehost_result_free(r);
    return st;
}

static int
up(struct fakehost *h)
{
    return h != NULL && CHECK(fakehost_wait_link(h, LINTEL_OK, WAIT_MS));
}

static void
values_events_and_actions_flow(void)
{
    struct rig b;
    struct rig_ear ear;
    REQUIRE(rig_broker(&b, 0));
    rig_publish(&b, "-r", "z/lamp", "{\"state\":\"OFF\"}");
    struct fakehost *h = rig_hub(&b, "clientId=hub-1");
    int d = rig_device(h, "topic=z/lamp");
    int on = rig_point(h, d, PROPERTY, READ | WRITE, "qos=1", "topic=set qos=2 retain=yes");
    int pressed = rig_point(h, d, EVENT, NOTIFY, "", NULL);
    int any = rig_point(h, d, PROPERTY, READ, "topic=+/temperature", NULL);
    int blink = rig_point(h, d, ACTION, 0, "topic=set body={\"effect\":\"blink\"}", NULL);
    int free_text = rig_point(h, d, ACTION, 0, "topic=say qos=0", NULL);
    REQUIRE(up(h));
    CHECK_INT(ask_for(h, FAKEHOST_SUBSCRIBE, on, NULL, 5000), LINTEL_OK);
    /* What the broker had kept is a state, not an event: one sample. */
    CHECK_INT(rig_wait_value(h, on, "{\"state\":\"OFF\"}"), 1);
    rig_publish(&b, "-q 2", "z/lamp", "{\"state\":\"ON\"}");
    CHECK(rig_wait_value(h, pressed, "{\"state\":\"ON\"}") >= 2);
    rig_publish(&b, "", "z/lamp/room/temperature", "21.5");
    CHECK_INT(rig_wait_value(h, any, "21.5"), 1);
    REQUIRE(rig_listen(&b, "z/lamp/#", &ear));
    lintel_value v = text("{\"state\":\"OFF\"}"), none = {.type = LINTEL_T_NULL};
    CHECK_INT(ask_for(h, FAKEHOST_WRITE, on, &v, 5000), LINTEL_OK);
    CHECK(rig_heard(&ear, h, "2 0 z/lamp/set {\"state\":\"OFF\"}\n"));
    CHECK_INT(ask_for(h, FAKEHOST_INVOKE, blink, &none, 5000), LINTEL_OK);
    CHECK(rig_heard(&ear, h, "1 0 z/lamp/set {\"effect\":\"blink\"}\n"));
    v = text("hello");
    CHECK_INT(ask_for(h, FAKEHOST_INVOKE, free_text, &v, 5000), LINTEL_OK);
    CHECK(rig_heard(&ear, h, "0 0 z/lamp/say hello\n"));
    CHECK_INT(ask_for(h, FAKEHOST_INVOKE, free_text, &none, 5000), LINTEL_OK);
    CHECK(rig_heard(&ear, h, "0 0 z/lamp/say \n"));
    rig_deaf(&ear);
    /* retain: yes */
    REQUIRE(rig_listen(&b, "z/lamp/set", &ear));
    CHECK(rig_heard(&ear, h, "2 1 z/lamp/set {\"state\":\"OFF\"}\n"));
    rig_deaf(&ear);
    CHECK_INT(ask_for(h, FAKEHOST_WRITE, on, &none, 5000), LINTEL_E_NOTSUP);
    v = (lintel_value){.type = LINTEL_T_INT, .as.i = 1};
    CHECK_INT(ask_for(h, FAKEHOST_WRITE, on, &v, 5000), LINTEL_E_TYPE);
    fakehost_free(h);
    rig_stop(&b);
}

static void
a_get_topic_makes_the_device_tell(void)
{
    struct rig b;
    struct rig_ear ear;
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    int d = rig_device(h, "topic=lamp");
    int points[] = {rig_point(h, d, PROPERTY, READ, "get=get getBody={\"state\":\"\"}", NULL),
                    rig_point(h, d, PROPERTY, READ, "get=get getBody={\"state\":\"\"}", NULL),
                    rig_point(h, d, PROPERTY, READ, "get=get getBody={\"level\":\"\"}", NULL)};
    int silent = rig_point(h, d, PROPERTY, READ, "topic=other get=get", NULL);
    int mute = rig_point(h, d, PROPERTY, READ, "topic=third", NULL);
    REQUIRE(up(h));
    REQUIRE(rig_listen(&b, "lamp/get", &ear));
    CHECK_INT(ask_for(h, FAKEHOST_READ, mute, NULL, 5000), LINTEL_E_NOTSUP);
    CHECK_INT(ask_for(h, FAKEHOST_READ, silent, NULL, 100), LINTEL_E_TIMEOUT);
    CHECK(rig_heard(&ear, h, "0 0 lamp/get \n"));
    /* The answer is given by a peer that hears the question. */
    char command[400];
    snprintf(command, sizeof command,
             "(mosquitto_sub -h 127.0.0.1 -p %d -t lamp/get -W 10 -C 1 >/dev/null;"
             " mosquitto_pub -h 127.0.0.1 -p %d -t lamp -m answer) &",
             b.port, b.port);
    int before = rig_logged(&b, "Received SUBSCRIBE");
    CHECK_INT(system(command), 0);
    while (rig_logged(&b, "Received SUBSCRIBE") == before)
        fakehost_wait_link(h, LINTEL_E_BUSY, 5);
    struct fakehost_result *r = fakehost_request(h, FAKEHOST_READ, points, 3, NULL, 8000, 0);
    CHECK_INT(r->done, 1);
    for (int i = 0; i < 3; i++)
        CHECK(r->samples[i].status == LINTEL_OK && r->samples[i].value.type == LINTEL_T_NULL);
    fakehost_result_free(r);
    r = fakehost_published(h, 3, 0); /* they came before */
    CHECK_INT(r->n, 3);
    fakehost_result_free(r);
    /* Two different questions for three points. */
    CHECK(rig_heard(&ear, h, "0 0 lamp/get {\"state\":\"\"}\n"));
    CHECK(rig_heard(&ear, h, "0 0 lamp/get {\"level\":\"\"}\n"));
    CHECK(strstr(ear.kept, "lamp/get") == NULL);
    rig_deaf(&ear);
    fakehost_free(h);
    rig_stop(&b);
}

static void
availability_is_told_for_each_device(void)
{
    struct rig b;
    REQUIRE(rig_broker(&b, 0));
    rig_publish(&b, "-r", "z/a/availability", "{\"state\":\"online\"}");
    struct fakehost *h = rig_hub(&b, "");
    int a = rig_device(h, "topic=z/a availability=availability");
    int c = rig_device(h, "topic=z/c availability=/z/bridge online=up offline=gone");
    int e = rig_device(h, "topic=z/e availability=/z/bridge online=up offline=gone");
    REQUIRE(up(h));
    CHECK(rig_wait_device(h, a, LINTEL_OK));
    rig_publish(&b, "", "z/a/availability", "offline");
    CHECK(rig_wait_device(h, a, LINTEL_E_LINK));
    rig_publish(&b, "", "z/bridge", "up");
    CHECK(rig_wait_device(h, c, LINTEL_OK));
    CHECK(rig_wait_device(h, e, LINTEL_OK));
    rig_publish(&b, "", "z/bridge", "{\"state\": \"gone\"}");
    CHECK(rig_wait_device(h, c, LINTEL_E_LINK));
    CHECK(rig_wait_device(h, e, LINTEL_E_LINK));
    fakehost_free(h);
    rig_stop(&b);
}

static void
a_lost_broker_is_found_again(void)
{
    struct rig b;
    struct rig_ear ear;
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "reconnectMax=1 statusTopic=hub/status keepAlive=5");
    int d = rig_device(h, "topic=t");
    int p = rig_point(h, d, PROPERTY, READ | WRITE, "", "topic=set");
    REQUIRE(up(h));
    for (int round = 0; round < 2; round++) {
        if (round == 0)
            rig_kill(&b);
        else
            rig_stop(&b);
        CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
        lintel_value v = text("late");
        CHECK_INT(ask_for(h, FAKEHOST_WRITE, p, &v, 5000), LINTEL_E_LINK);
        /* A point that comes in between is subscribed to as well. */
        char address[32];
        snprintf(address, sizeof address, "topic=new%d", round);
        int later = rig_point(h, d, PROPERTY, READ, address, NULL);
        REQUIRE(rig_restart(&b));
        REQUIRE(up(h));
        rig_publish(&b, "-r", "t",
                    "back"); /* kept: it comes also if it is faster than the subscription */
        CHECK(rig_wait_value(h, p, "back"));
        char topic[32];
        snprintf(topic, sizeof topic, "t/new%d", round);
        rig_publish(&b, "-r", topic, "new");
        CHECK(rig_wait_value(h, later, "new"));
    }
    REQUIRE(rig_listen(&b, "#", &ear));
    CHECK(rig_heard(&ear, h, "1 1 hub/status online\n"));
    CHECK(strstr(ear.kept, "late") == NULL);
    fakehost_free(h);
    CHECK(rig_heard(&ear, NULL, "hub/status offline\n"));
    CHECK_INT(rig_logged(&b, "exceeded timeout"), 0);
    rig_deaf(&ear);
    rig_stop(&b);
}

static void
a_broker_that_is_not_there_is_waited_for(void)
{
    struct rig b;
    REQUIRE(rig_broker(&b, 0));
    rig_stop(&b);
    struct fakehost *h = rig_hub(&b, "reconnectMax=1");
    int p = rig_point(h, rig_device(h, "topic=t"), PROPERTY, READ | WRITE, "get=get", NULL);
    CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
    CHECK_INT(ask_for(h, FAKEHOST_READ, p, NULL, 1000), LINTEL_E_LINK);
    REQUIRE(rig_restart(&b));
    REQUIRE(up(h));
    CHECK_INT(fakehost_links(h), 2); /* the same reason is told once */
    fakehost_free(h);
    rig_stop(&b);
}

static void
the_will_tells_of_a_hub_that_died(void)
{
    struct rig b;
    struct rig_ear ear;
    REQUIRE(rig_broker(&b, 0));
    /* Two hubs with one name: the broker throws the first one out, as if it had died. */
    struct fakehost *h = rig_hub(&b, "clientId=twin statusTopic=hub/status"), *twin;
    REQUIRE(up(h));
    REQUIRE(rig_listen(&b, "hub/status", &ear));
    CHECK(rig_heard(&ear, h, "hub/status online\n"));
    twin = rig_hub(&b, "clientId=twin");
    REQUIRE(up(twin));
    CHECK(rig_heard(&ear, NULL, "1 0 hub/status offline\n"));
    fakehost_free(twin);
    fakehost_free(h);
    rig_deaf(&ear);
    rig_stop(&b);
}

static void
a_password_is_needed_and_never_told(void)
{
    struct rig b;
    REQUIRE(rig_broker(&b, RIG_PASSWORD));
    struct fakehost *h = rig_hub(&b, "username=hub password=wrong-s3cret");
    CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
    CHECK(strstr(fakehost_log(h), "wrong-s3cret") == NULL);
    fakehost_free(h);
    h = rig_hub(&b, "username=hub password=s3cret-word");
    REQUIRE(up(h));
    CHECK(strstr(fakehost_log(h), "s3cret-word") == NULL);
    fakehost_free(h);
    rig_stop(&b);
}

static void
tls_checks_both_sides(void)
{
    struct rig b;
    char settings[900];
    REQUIRE(rig_broker(&b, RIG_TLS | RIG_CLIENT_CERT | RIG_PASSWORD));
    const char *f = b.folder, *user = "username=hub password=s3cret-word";
    snprintf(settings, sizeof settings,
             "%s caFile=%s/ca.pem certFile=%s/hub.pem keyFile=%s/hub.key", user, f, f, f);
    struct fakehost *h = rig_hub(&b, settings);
    REQUIRE(up(h));
    int p = rig_point(h, rig_device(h, "topic=t"), PROPERTY, WRITE, "", NULL);
    lintel_value v = text("1");
    CHECK_INT(ask_for(h, FAKEHOST_WRITE, p, &v, 5000), LINTEL_OK);
    fakehost_free(h);
    /* Each of these must fail: no certificate of ours, a broker of another CA, a CA file that is
     * not there. */
    snprintf(settings, sizeof settings, "%s caFile=%s/ca.pem", user, f);
    h = rig_hub(&b, settings);
    CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
    fakehost_free(h);
    snprintf(settings, sizeof settings,
             "%s caFile=%s/other.pem certFile=%s/hub.pem keyFile=%s/hub.key", user, f, f, f);
    h = rig_hub(&b, settings);
    CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
    fakehost_free(h);
    snprintf(settings, sizeof settings, "%s caFile=%s/nothing.pem", user, f);
    h = rig_hub(&b, settings);
    CHECK(fakehost_wait_link(h, LINTEL_E_LINK, WAIT_MS));
    fakehost_free(h);
    rig_stop(&b);
}

static void
thousands_of_points_share_a_subscription(void)
{
    enum { POINTS = 5000 };
    struct rig b;
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    int d = rig_device(h, "topic=big"), p = 0;
    for (int i = 0; i < POINTS; i++)
        p = rig_point(h, d, PROPERTY, READ, "", NULL);
    REQUIRE(up(h));
    rig_publish(&b, "-r", "big", "{\"a\":1}");
    struct fakehost_result *r = fakehost_published(h, POINTS, WAIT_MS);
    CHECK_INT(r->n, POINTS);
    fakehost_result_free(r);
    CHECK_INT(rig_logged(&b, "Received SUBSCRIBE"), 1);
    CHECK(p > 0);
    fakehost_free(h);
    rig_stop(&b);
}

static void
thousands_of_topics_need_few_packets(void)
{
    enum { TOPICS = 5000 };
    struct rig b;
    char address[32];
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    int d = rig_device(h, "topic=big"), p = 0;
    for (int i = 0; i < TOPICS; i++) {
        snprintf(address, sizeof address, "topic=%d", i);
        p = rig_point(h, d, PROPERTY, READ, address, NULL);
    }
    REQUIRE(up(h));
    rig_publish(&b, "-r", "big/4999", "last");
    CHECK(rig_wait_value(h, p, "last"));
    rig_publish(&b, "", "big/0", "first");
    CHECK(rig_wait_value(h, 1, "first"));
    int packets = rig_logged(&b, "Received SUBSCRIBE");
    CHECK(packets > 0 && packets <= 80);
    /* One more later is one more packet. */
    p = rig_point(h, d, PROPERTY, READ, "topic=more", NULL);
    rig_publish(&b, "-r", "big/more", "more");
    CHECK(rig_wait_value(h, p, "more"));
    CHECK_INT(rig_logged(&b, "Received SUBSCRIBE"), packets + 1);
    fakehost_free(h);
    rig_stop(&b);
}

static void
a_flood_of_writes_is_all_sent(void)
{
    enum { WRITES = 500 };
    struct rig b;
    static int points[WRITES];
    static lintel_value values[WRITES];
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    int d = rig_device(h, "topic=t");
    for (int i = 0; i < WRITES; i++) {
        points[i] = rig_point(h, d, PROPERTY, WRITE, "", NULL);
        values[i] = text("x");
    }
    REQUIRE(up(h));
    struct fakehost_result *r =
        fakehost_request(h, FAKEHOST_WRITE, points, WRITES, values, 10000, 0);
    CHECK_INT(r->done, 1);
    for (int i = 0; i < WRITES; i++)
        CHECK_INT(r->samples[i].status, LINTEL_OK);
    fakehost_result_free(r);
    CHECK_INT(rig_logged(&b, "Received PUBLISH"), WRITES);
    fakehost_free(h);
    rig_stop(&b);
}

static void
odd_payloads_do_no_harm(void)
{
    struct rig b;
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "maxPayload=1000");
    int d = rig_device(h, "topic=t availability=here");
    int p = rig_point(h, d, PROPERTY, READ, "", NULL),
        e = rig_point(h, d, EVENT, NOTIFY, "topic=bell", NULL);
    REQUIRE(up(h));
    char *big = calloc(1, 1024 * 1024);
    REQUIRE(big != NULL);
    memset(big, 'x', 1024 * 1024);
    rig_publish_bytes(&b, "-r", "t", "marker", 6);
    CHECK(rig_wait_value(h, p, "marker"));
    rig_publish_bytes(&b, "", "t", big, 1024 * 1024);
    rig_publish_bytes(&b, "", "t", big, 1001);
    rig_publish_bytes(&b, "", "t", "", 0);
    rig_publish_bytes(&b, "", "t/here", "\0{\"state\"", 9);
    rig_publish_bytes(&b, "", "t", "\xff\0\xfe", 3);
    struct fakehost_result *r = fakehost_published(h, 1, WAIT_MS);
    CHECK(r->n == 1 && r->samples[0].value.len == 3 &&
          memcmp(r->samples[0].value.as.p, "\xff\0\xfe", 3) == 0);
    fakehost_result_free(r);
    rig_publish_bytes(&b, "", "t", big, 1000);
    r = fakehost_published(h, 1, WAIT_MS);
    CHECK(r->n == 1 && r->samples[0].value.len == 1000);
    fakehost_result_free(r);
    rig_publish_bytes(&b, "", "t/bell", "", 0);
    CHECK(rig_wait_value(h, e, ""));
    CHECK_HAS(fakehost_log(h), "1048576 bytes on \"t\", and maxPayload is 1000");
    free(big);
    fakehost_free(h);
    rig_stop(&b);
}

static void
expect_denied(struct fakehost *h, int point, const char *filter)
{
    struct fakehost_result *r = fakehost_published(h, 1, WAIT_MS);
    CHECK(r->n == 1 && (int)r->samples[0].point == point &&
          r->samples[0].status == LINTEL_E_DENIED);
    if (r->n == 1)
        CHECK_HAS(r->samples[0].detail, filter);
    fakehost_result_free(r);
}

static void
a_refused_subscription_is_told(void)
{
    struct rig b;
    REQUIRE(rig_scripted(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    int d = rig_device(h, "topic=open");
    rig_point(h, d, PROPERTY, READ, "topic=x", NULL);
    int closed = rig_point(h, d, PROPERTY, READ, "topic=/closed/x", NULL);
    REQUIRE(up(h));
    expect_denied(h, closed, "\"closed/x\"");
    /* paho tells it in another way when there is one only. */
    closed = rig_point(h, d, PROPERTY, READ, "topic=/closed/y", NULL);
    expect_denied(h, closed, "\"closed/y\"");
    fakehost_free(h);
    rig_scripted_end(&b);
}

/* An answer to SUBSCRIBE that does not come, as when paho has forgotten it for want of memory. */
static void
a_subscription_without_an_answer_is_asked_for_again(void)
{
    struct rig b;
    REQUIRE(rig_scripted(&b, 0));
    b.forgets = 1;
    struct fakehost *h = rig_hub_without_time(&b, "");
    int d = rig_device(h, "topic=open");
    int closed = rig_point(h, d, PROPERTY, READ, "topic=/closed/x", NULL);
    REQUIRE(up(h));
    for (int i = 0; b.forgets > 0 && i < WAIT_MS; i += 50) /* until it was asked at all */
        fakehost_result_free(fakehost_published(h, 1, 50));
    fakehost_advance(h, INT64_C(4000000000));
    struct fakehost_result *r = fakehost_published(h, 1, 50);
    CHECK(r->n == 0);
    fakehost_result_free(r);
    fakehost_advance(h, INT64_C(4000000000));
    expect_denied(h, closed, "\"closed/x\"");
    fakehost_free(h);
    rig_scripted_end(&b);
}

static void
a_broker_that_babbles_is_no_broker(void)
{
    struct rig b;
    for (unsigned babbles = 1; babbles <= 64; babbles *= 8) {
        REQUIRE(rig_scripted(&b, babbles));
        struct fakehost *h = rig_hub(&b, "");
        rig_point(h, rig_device(h, "topic=t"), PROPERTY, READ, "", NULL);
        /* What comes of it is paho's business; nothing may break or hang. */
        fakehost_wait_link(h, LINTEL_E_LINK, 300);
        CHECK(fakehost_link(h) != LINTEL_OK);
        fakehost_free(h);
        rig_scripted_end(&b);
    }
}

static void
bad_topics_are_refused(void)
{
    struct rig b;
    char longer[1100], address[1200];
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub(&b, "");
    memset(longer, 'a', sizeof longer);
    longer[1020] = '\0';
    int d = rig_device(h, "topic=t");
    CHECK_INT(rig_device(h, "topic=a/+"), -1);
    CHECK_INT(rig_device(h, "topic=a availability=#"), -1);
    CHECK_INT(rig_point(h, d, PROPERTY, READ, "topic=a#", NULL), -1);
    CHECK_INT(rig_point(h, d, PROPERTY, READ, "topic=a/#/b", NULL), -1);
    CHECK_INT(rig_point(h, d, PROPERTY, READ, "get=+", NULL), -1);
    CHECK_INT(rig_point(h, d, PROPERTY, WRITE, "topic=+/set", NULL), -1);
    snprintf(address, sizeof address, "topic=%s", longer);
    CHECK(rig_point(h, d, PROPERTY, READ, address, NULL) > 0);
    longer[1020] = 'a';
    longer[1024] = '\0';
    snprintf(address, sizeof address, "topic=%s", longer);
    CHECK_INT(rig_point(h, d, PROPERTY, READ, address, NULL), -1);
    REQUIRE(up(h));
    fakehost_free(h);
    rig_stop(&b);
}

/* Messages wait in the inbox when the hub stops; in the end the broker is dead as well. */
static void
stopping_under_a_flood_is_clean(void)
{
    struct rig b;
    char *lines = calloc(1, 9001);
    REQUIRE(lines != NULL && rig_broker(&b, 0));
    memset(lines, 'v', 9000);
    for (int i = 2; i < 9000; i += 3)
        lines[i] = '\n';
    for (int round = 0; round < 3; round++) {
        struct fakehost *h = rig_hub(&b, "statusTopic=s");
        int d = rig_device(h, "topic=t");
        for (int i = 0; i < 50; i++)
            rig_point(h, d, PROPERTY, READ | WRITE, "get=get", NULL);
        REQUIRE(up(h));
        rig_publish_lines(&b, "t", lines); /* 3,000 messages for 50 points */
        lintel_value v = text("w");
        if (round == 0)
            CHECK_INT(ask_for(h, FAKEHOST_WRITE, 1, &v, 20000), LINTEL_OK);
        if (round == 2)
            rig_kill(&b);
        fakehost_free(h);
    }
    free(lines);
    rig_stop(&b);
}

/* Time stands still, so the deadline never comes; the fake hub checks that stop() completes the
 * request. */
static void
stopping_ends_what_is_open(void)
{
    struct rig b;
    REQUIRE(rig_broker(&b, 0));
    struct fakehost *h = rig_hub_without_time(&b, "");
    int p = rig_point(h, rig_device(h, "topic=t"), PROPERTY, READ, "get=get", NULL);
    REQUIRE(up(h));
    CHECK_INT(ask_for(h, FAKEHOST_READ, p, NULL, 1), 1);
    fakehost_free(h);
    rig_stop(&b);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(values_events_and_actions_flow),
        KIT(a_get_topic_makes_the_device_tell),
        KIT(availability_is_told_for_each_device),
        KIT(a_lost_broker_is_found_again),
        KIT(a_broker_that_is_not_there_is_waited_for),
        KIT(the_will_tells_of_a_hub_that_died),
        KIT(a_password_is_needed_and_never_told),
        KIT(tls_checks_both_sides),
        KIT(thousands_of_points_share_a_subscription),
        KIT(thousands_of_topics_need_few_packets),
        KIT(a_flood_of_writes_is_all_sent),
        KIT(odd_payloads_do_no_harm),
        KIT(a_refused_subscription_is_told),
        KIT(a_subscription_without_an_answer_is_asked_for_again),
        KIT(a_broker_that_babbles_is_no_broker),
        KIT(bad_topics_are_refused),
        KIT(stopping_under_a_flood_is_clean),
        KIT(stopping_ends_what_is_open),
        {0}};
    return rig_can() ? kit_main("mqtt", tests, argc, argv) : 77;
}
