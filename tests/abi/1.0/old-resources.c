/* SPDX-License-Identifier: Apache-2.0
 * A plugin for ABI 1.0 with a resource of its own: /old. */
#include <lintel/ext/resources.h>
#include <lintel/plugin.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LINTEL_ABI_MAJOR == 1 && LINTEL_ABI_MINOR == 0, "this is not the old header");

struct server {
    const lintel_host *host;
    const lintel_host_resources *tree;
};
static const lintel_field none[] = {{0}};

static lintel_status
create(const lintel_host *host, const lintel_value *settings, void **self)
{
    struct server *s = calloc(1, sizeof *s);
    (void)settings;
    if (s == NULL)
        return LINTEL_E_NOMEM;
    s->host = host;
    *self = s;
    return LINTEL_OK;
}

static lintel_status
start(void *self)
{
    struct server *s = self;
    s->tree = s->host->extension(s->host, LINTEL_EXT_RESOURCES);
    return s->tree == NULL ? LINTEL_E_NOTSUP : s->tree->mount(s->host, "old", "</old>;rt=old");
}

static void
request(void *self, lintel_ticket t, const lintel_exchange *x)
{
    const struct server *s = self;
    static const char text[] = "older than you";
    const lintel_answer a = {.size = sizeof a,
                             .code = x->method == LINTEL_GET ? LINTEL_CODE(2, 5) : LINTEL_CODE(4, 5),
                             .format = x->method == LINTEL_GET ? 0 : LINTEL_FORMAT_NONE,
                             .max_age = 60,
                             .payload = {text, sizeof text - 1}};
    s->tree->answer(s->host, t, &a);
}

static const void *
extension(void *self, const char *id)
{
    static const lintel_plugin_resources resources = {.size = sizeof resources, .request = request};
    (void)self;
    return strcmp(id, LINTEL_EXT_RESOURCES) == 0 ? &resources : NULL;
}

static const lintel_plugin plugin = {.size = sizeof plugin,
                                     .flags = LINTEL_PLUGIN_TRANSPORT,
                                     .name = "old-resources",
                                     .version = "1.0",
                                     .summary = "A resource for ABI 1.0.",
                                     .natural = "",
                                     .bus = none,
                                     .create = create,
                                     .destroy = free,
                                     .start = start,
                                     .extension = extension};
LINTEL_PLUGIN_ENTRY(&plugin);
