/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/pack.h"

#include "core/serve/fetch.h"
#include "core/serve/patch.h"
#include "core/serve/selection.h"

static const int32_t formats[] = {LINTEL_FORMAT_SENML_JSON, LINTEL_FORMAT_SENML_CBOR};

static void
observe(struct lintel_call *c, struct lintel_live_thing *thing, int32_t format)
{
    struct lintel_conditions conditions;
    if (lintel_call_conditions(c, NULL, &conditions) != 0)
        return;
    struct lintel_open *o = lintel_call_open(c);
    if (o == NULL)
        return;
    o->thing = thing;
    o->format = format;
    o->conditions = conditions;
    struct lintel_buf b = lintel_out_take(c->tree);
    lintel_answer a = lintel_pack_represent(c->tree, thing, NULL, format, &b, NULL);
    lintel_pack_observe(o, &a);
    lintel_out_put(c->tree, &b);
}

static void
get(struct lintel_call *c, struct lintel_live_thing *thing)
{
    int32_t format = lintel_format_choose(c->x, formats, LINTEL_COUNT(formats));
    if (format == LINTEL_FORMAT_NONE) {
        lintel_call_fail(c, LINTEL_NOT_ACCEPTABLE,
                         "a pack is 110 (SenML JSON) or 112 (SenML CBOR)");
    } else if (c->x->flags & LINTEL_X_OBSERVE) {
        observe(c, thing, format);
    } else {
        struct lintel_buf b = lintel_out_take(c->tree);
        lintel_answer a = lintel_pack_represent(c->tree, thing, NULL, format, &b, NULL);
        lintel_pack_answer(c, &a);
        lintel_out_put(c->tree, &b);
    }
}

void
lintel_serve_pack(struct lintel_call *c, struct lintel_live_thing *thing)
{
    switch (c->x->method) {
    case LINTEL_GET: get(c, thing); break;
    case LINTEL_FETCH: lintel_serve_fetch(c, thing); break;
    case LINTEL_PATCH:
    case LINTEL_IPATCH: lintel_serve_patch(c, thing); break;
    default:
        lintel_call_method(c, "the pack of a thing is not replaced as a whole",
                           "GET, FETCH (320 or 322) to read some of it, or iPATCH (320 or 322) to "
                           "write several properties");
        break;
    }
}
