/* SPDX-License-Identifier: Apache-2.0
 * What can be done with a single bus of the running hub: /hub/buses/{bus}/{verb}. A row a verb. */
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "core/daemon/hub_priv.h"
#include "core/serve/codes.h"

static const struct bus_verb *const verbs[] = {&bus_reload_verb, &bus_try_verb, &bus_wire_verb};

void
bus_refuse(const struct lintel_bus_call *call, uint32_t code, const char *text)
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
        bus_refuse(call, LINTEL_UNAVAILABLE, "the bus is being stopped or started; try again soon");
        return NULL;
    }
    for (size_t i = 0; i < LINTEL_COUNT(verbs); i++) {
        const struct bus_verb *v = verbs[i];
        if (strcmp(v->name, call->verb) != 0)
            continue;
        if (v->method != call->x->method) {
            bus_refuse(call, LINTEL_NOT_ALLOWED,
                       v->method == LINTEL_POST ? "this is done with POST"
                                                : "this is read with GET");
            return NULL;
        }
        struct bus_work *work = v->start(h, r, call);
        if (work != NULL)
            work->verb = v;
        return work;
    }
    bus_refuse(call, LINTEL_NOT_FOUND, "below a bus there are reload, try and wire");
    return NULL;
}

void
hub_bus_abandon(void *ctx, void *work)
{
    const struct bus_work *w = work;
    w->verb->abandon(ctx, work);
}
