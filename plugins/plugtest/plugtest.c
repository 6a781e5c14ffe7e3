/* SPDX-License-Identifier: Apache-2.0
 *
 * The resources that the CoAP plugtests of ETSI ask of a server (TD_COAP_CORE, LINK, BLOCK, OBS),
 * mounted beside the hub's own tree for conformance tests. No client is served here: whatever
 * transport runs brings the requests.
 *
 *   plugtest_resources  which names there are, and what each does
 *   plugtest_store      representations that clients may replace
 *   plugtest_observe    resources that change by themselves
 *   plugtest_answer     writing answers
 */
#include "plugins/plugtest/plugtest.h"

#include <stdlib.h>
#include <string.h>

enum { S_DELAY, S_PERIOD };

static const lintel_field settings_table[] = {
    [S_DELAY] = {.name = "delay",
                 .help = "How long /separate takes to answer.",
                 .dflt = "3",
                 .unit = "s",
                 .min = 0,
                 .max = 60,
                 .type = LINTEL_T_REAL},
    [S_PERIOD] = {.name = "period",
                  .help = "How often the observable resources change.",
                  .dflt = "5",
                  .unit = "s",
                  .min = 0.1,
                  .max = 3600,
                  .type = LINTEL_T_REAL},
    {.name = NULL},
};

static lintel_status
plugtest_create(const lintel_host *h, const lintel_value *settings, void **self)
{
    struct pt *p = calloc(1, sizeof *p);
    if (p == NULL)
        return LINTEL_E_NOMEM;
    p->host = h;
    p->delay = (lintel_mono)(settings[S_DELAY].as.r * (double)PT_SECOND);
    p->period = (lintel_mono)(settings[S_PERIOD].as.r * (double)PT_SECOND);
    *self = p;
    return LINTEL_OK;
}

static void
plugtest_stop(void *self)
{
    struct pt *p = self;
    if (p->loop != NULL) {
        pt_observe_stop(p);
        pt_resources_stop(p);
    }
    pt_items_fini(p);
}

static void
plugtest_destroy(void *self)
{
    struct pt *p = self;
    pt_items_fini(p);
    free(p);
}

static lintel_status
plugtest_start(void *self)
{
    struct pt *p = self;
    p->loop = p->host->extension(p->host, LINTEL_EXT_LOOP);
    p->tree = p->host->extension(p->host, LINTEL_EXT_RESOURCES);
    if (p->loop == NULL || p->tree == NULL) {
        p->host->log(p->host, LINTEL_LOG_ERROR,
                     "this host has no loop, or no tree that resources can be mounted in");
        return LINTEL_E_NOTSUP;
    }
    lintel_status st = pt_resources_mount(p);
    if (st == LINTEL_OK)
        st = pt_observe_start(p);
    if (st != LINTEL_OK)
        plugtest_stop(p);
    return st;
}

static const void *
plugtest_extension(void *self, const char *id)
{
    static const lintel_plugin_resources resources = {.size = sizeof resources,
                                                      .request = pt_resources_request,
                                                      .abandoned = pt_resources_abandoned};
    (void)self;
    return strcmp(id, LINTEL_EXT_RESOURCES) == 0 ? &resources : NULL;
}

static const lintel_plugin plugtest = {
    .size = sizeof plugtest,
    .flags = LINTEL_PLUGIN_TRANSPORT,
    .unit_bytes = 1,
    .name = "plugtest",
    .version = "1.0.0",
    .summary = "The resources of the CoAP plugtests, for conformance tests",
    .natural = "bytes",
    .bus = settings_table,
    .create = plugtest_create,
    .destroy = plugtest_destroy,
    .start = plugtest_start,
    .stop = plugtest_stop,
    .extension = plugtest_extension,
};
LINTEL_PLUGIN_ENTRY(&plugtest);
