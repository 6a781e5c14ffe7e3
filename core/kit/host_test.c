/* SPDX-License-Identifier: Apache-2.0
 * The kit's hub: a plugin that floods does not take the machine's memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lintel/kit.h"
#include "tests/kit/kit.h"

enum { LINES = 20000, SAMPLES = 30000, KEPT = 20000, LOG_ROOM = 256 * 1024 };

static const lintel_field none[] = {{0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    const lintel_host **b = calloc(1, sizeof(lintel_host *));
    (void)settings;
    if (b == NULL)
        return LINTEL_E_NOMEM;
    *b = host;
    *self = b;
    return LINTEL_OK;
}

static void
flood(void *self, const lintel_request *r)
{
    const lintel_host *host = *(const lintel_host **)self;
    char line[80];
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %05d of a plugin that can't be quiet", i);
        host->log(host, LINTEL_LOG_INFO, line);
    }
    for (int i = 0; i < SAMPLES; i++) {
        const lintel_sample s = {.point = r->points[0]->id,
                                 .value = {.type = LINTEL_T_INT, .as.i = i}};
        host->publish(host, &s, 1);
    }
    const lintel_sample s = {.point = r->points[0]->id, .value = {.type = LINTEL_T_INT}};
    host->complete(host, r, LINTEL_OK, &s, 1);
}

static const lintel_plugin flooding = {.size = sizeof flooding,
                                       .flags = LINTEL_PLUGIN_BLOCKING | LINTEL_PLUGIN_PUSH,
                                       .unit_bytes = 1,
                                       .name = "flooding",
                                       .version = "1",
                                       .summary = "Floods.",
                                       .natural = "",
                                       .bus = none,
                                       .address = none,
                                       .create = create,
                                       .destroy = free,
                                       .read = flood};

static void
floods_are_bounded(void)
{
    static const char *const nothing[] = {NULL};
    lintel_kit *k = lintel_kit_new(&flooding, nothing, 1);
    REQUIRE(k != NULL);
    int device = lintel_kit_attach(k, "a", nothing),
        point = lintel_kit_bind(k, device, LINTEL_K_PROPERTY, LINTEL_P_READ | LINTEL_P_NOTIFY, 8,
                                nothing, NULL);
    CHECK_INT(lintel_kit_start(k), LINTEL_OK);
    struct lintel_kit_result *got =
        lintel_kit_request(k, LINTEL_KIT_READ, &point, 1, NULL, 60000, 0);
    CHECK_INT(got->done, 1);
    lintel_kit_result_free(got);
    /* The first lines are there, and whole. */
    const char *log = lintel_kit_log(k);
    CHECK(strlen(log) < LOG_ROOM);
    CHECK(strlen(log) > LOG_ROOM - 100);
    CHECK(strstr(log, "info: line 00000 of a plugin that can't be quiet\n") == log);
    CHECK(log[strlen(log) - 1] == '\n');
    /* So are the first samples; once they are fetched, there is room again. */
    struct lintel_kit_result *published = lintel_kit_published(k, 1, 0);
    CHECK_INT(published->n, KEPT);
    CHECK_INT(published->samples[KEPT - 1].value.as.i, KEPT - 1);
    lintel_kit_result_free(published);
    got = lintel_kit_request(k, LINTEL_KIT_READ, &point, 1, NULL, 60000, 0);
    CHECK_INT(got->done, 1);
    lintel_kit_result_free(got);
    published = lintel_kit_published(k, 1, 0);
    CHECK_INT(published->n, KEPT);
    lintel_kit_result_free(published);
    lintel_kit_free(k);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(floods_are_bounded), {0}};
    return kit_main("the kit's hub", tests, argc, argv);
}
