/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/codes.h"

#include "core/base/mem.h"

static const struct {
    lintel_status status;
    uint32_t code;
    const char *words;
} table[] = {
    {LINTEL_OK, LINTEL_CHANGED, "done"},
    {LINTEL_E_FAIL, LINTEL_INTERNAL, "the bus' plugin failed; the hub's log says more"},
    {LINTEL_E_NOMEM, LINTEL_INTERNAL, "out of memory"},
    {LINTEL_E_CONFIG, LINTEL_UNAVAILABLE, "the bus is down until its settings are corrected"},
    {LINTEL_E_ADDRESS, LINTEL_BAD_GATEWAY, "the device has no such address; correct the binding"},
    {LINTEL_E_TYPE, LINTEL_BAD_REQUEST, "a value of this type can't go there"},
    {LINTEL_E_RANGE, LINTEL_UNPROCESSABLE, "the device refused the value as out of range"},
    {LINTEL_E_NOTSUP, LINTEL_NOT_IMPLEMENTED, "the device or its protocol can't do that"},
    {LINTEL_E_DENIED, LINTEL_BAD_GATEWAY, "the device refused the hub"},
    {LINTEL_E_TIMEOUT, LINTEL_GATEWAY_TIMEOUT, "the device does not answer"},
    {LINTEL_E_CANCELLED, LINTEL_UNAVAILABLE, "cancelled by the hub; ask again"},
    {LINTEL_E_LINK, LINTEL_UNAVAILABLE, "the bus has no connection"},
    {LINTEL_E_PROTO, LINTEL_BAD_GATEWAY, "the device's answer breaks the protocol"},
    {LINTEL_E_DEVICE, LINTEL_BAD_GATEWAY, "the device answered with an error"},
    {LINTEL_E_BUSY, LINTEL_UNAVAILABLE, "the bus is busy; ask again"},
};

uint32_t
lintel_code_of_status(lintel_status s)
{
    for (size_t i = 0; i < LINTEL_COUNT(table); i++)
        if (table[i].status == s)
            return table[i].code;
    return LINTEL_INTERNAL;
}

uint32_t
lintel_code_of_outcome(const struct lintel_outcome *o)
{
    switch (o->fit) {
    case LINTEL_FIT_TYPE: return LINTEL_BAD_REQUEST;
    case LINTEL_FIT_RANGE: return LINTEL_UNPROCESSABLE;
    case LINTEL_FIT_OK: break;
    }
    return lintel_code_of_status(o->status);
}

const char *
lintel_status_words(lintel_status s)
{
    for (size_t i = 0; i < LINTEL_COUNT(table); i++)
        if (table[i].status == s)
            return table[i].words;
    return "an unknown status";
}
