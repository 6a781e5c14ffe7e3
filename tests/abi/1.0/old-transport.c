/* SPDX-License-Identifier: Apache-2.0
 * A transport for ABI 1.0: asks the tree for one value again and again, and logs the answers. */
#include <lintel/ext/loop.h>
#include <lintel/transport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LINTEL_ABI_MAJOR == 1 && LINTEL_ABI_MINOR == 0, "this is not the old header");

#define EVERY INT64_C(200000000)
struct asker {
    const lintel_host *host;
    const lintel_host_loop *loop;
    const lintel_host_transport *tree;
    char thing[64];
};
static const lintel_field settings_table[] = {
    {.name = "thing", .help = "The thing to ask for.", .type = LINTEL_T_STR, .flags = LINTEL_F_REQUIRED}, {0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    struct asker *a = calloc(1, sizeof *a);
    if (a == NULL)
        return LINTEL_E_NOMEM;
    a->host = host;
    snprintf(a->thing, sizeof a->thing, "%s", settings[0].as.s);
    *self = a;
    return LINTEL_OK;
}

static void
ask(void *arg)
{
    struct asker *a = arg;
    const lintel_span path[] = {{"d", 1}, {a->thing, strlen(a->thing)}, {"Box", 3}, {"p", 1}, {"count", 5}};
    const lintel_exchange x = {.size = sizeof x,
                               .method = LINTEL_GET,
                               .flags = LINTEL_X_LOOPBACK,
                               .format = LINTEL_FORMAT_NONE,
                               .path = path,
                               .npath = 5,
                               .identity = "",
                               .peer = "old",
                               .base = "old://hub",
                               .authority = "",
                               .session = 1,
                               .cookie = a};
    a->tree->submit(a->host, &x);
    a->loop->timer(a->host, a->host->now(a->host) + EVERY, ask, a);
}

static void
answer(void *self, void *cookie, const lintel_answer *got)
{
    struct asker *a = self;
    char line[200];
    (void)cookie;
    snprintf(line, sizeof line, "old transport got %u.%02u %.*s", got->code / 32, got->code % 32,
             (int)(got->payload.n < 80 ? got->payload.n : 80), got->payload.p != NULL ? got->payload.p : "");
    a->host->log(a->host, LINTEL_LOG_INFO, line);
}

static lintel_status
start(void *self)
{
    struct asker *a = self;
    a->loop = a->host->extension(a->host, LINTEL_EXT_LOOP);
    a->tree = a->host->extension(a->host, LINTEL_EXT_TRANSPORT);
    if (a->loop == NULL || a->tree == NULL)
        return LINTEL_E_NOTSUP;
    return a->loop->timer(a->host, a->host->now(a->host) + EVERY, ask, a);
}

static void
stop(void *self)
{
    struct asker *a = self;
    a->loop->timer(a->host, 0, ask, a);
}

static const void *
extension(void *self, const char *id)
{
    static const lintel_transport transport = {.size = sizeof transport, .answer = answer};
    (void)self;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &transport : NULL;
}

static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .flags = LINTEL_PLUGIN_TRANSPORT,
                                     .name = "old-transport",
                                     .version = "1.0",
                                     .summary = "A transport for ABI 1.0.",
                                     .natural = "",
                                     .bus = settings_table,
                                     .create = create,
                                     .destroy = free,
                                     .start = start,
                                     .stop = stop,
                                     .extension = extension};
LINTEL_PLUGIN_ENTRY(&plugin);
