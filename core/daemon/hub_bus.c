/* SPDX-License-Identifier: Apache-2.0
 * What can be done with a single bus of the running hub: /hub/buses/{bus}/{verb}. A row a verb. */
#include <string.h>

#include "core/base/text.h"
#include "core/daemon/hub_priv.h"
#include "core/serve/codes.h"

struct bus_verb {
    const char *name;
    uint32_t method;
    /* As lintel_tree_source.bus; r runs. */
    void *(*start)(struct lintel_hub *h, struct running *r, const struct lintel_bus_call *call);
    void (*abandon)(struct lintel_hub *h, void *work);
};

static const struct bus_verb verbs[] = {
    {"reload", LINTEL_POST, bus_reload_start, bus_reload_abandon},
    {0},
};

static void
refuse(const struct lintel_bus_call *call, uint32_t code, const char *text)
{
    call->done(call->done_ctx, &(lintel_answer){.size = sizeof(lintel_answer),
                                                .code = code,
                                                .format = LINTEL_FORMAT_NONE,
                                                .payload = {text, strlen(text)}});
}

void *
hub_bus(void *ctx, const struct lintel_bus_call *call)
{
    struct lintel_hub *h = ctx;
    struct running *r = h->buses;
    while (r != NULL && (strcmp(r->name, call->bus) != 0 || r->stopping))
        r = r->next;
    if (r == NULL) {
        refuse(call, LINTEL_UNAVAILABLE, "the bus is being stopped or started; try again soon");
        return NULL;
    }
    for (const struct bus_verb *v = verbs; v->name != NULL; v++) {
        if (strcmp(v->name, call->verb) != 0)
            continue;
        if (v->method != call->x->method) {
            refuse(call, LINTEL_NOT_ALLOWED, "this is done with another method");
            return NULL;
        }
        struct bus_work *work = v->start(h, r, call);
        if (work != NULL)
            work->verb = v;
        return work;
    }
    refuse(call, LINTEL_NOT_FOUND, "nothing of that name can be done with a bus");
    return NULL;
}

void
hub_bus_abandon(void *ctx, void *work)
{
    const struct bus_work *w = work;
    w->verb->abandon(ctx, work);
}
