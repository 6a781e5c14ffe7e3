/* SPDX-License-Identifier: Apache-2.0
 * Registrations whose base is link-local are only shown to lookups from the link that they came
 * from (RFC 9176 section 6.4): elsewhere the address means another node, or none. */
#include <string.h>

#include "core/base/num.h"
#include "core/serve/rd_inside.h"

/* fe80::/10 behind "scheme://[". */
static int
is_link_local(struct lintel_str base)
{
    static const char before[] = "://[";
    const char *at = base.n == 0 ? NULL : memmem(base.p, base.n, before, sizeof before - 1);
    if (at == NULL)
        return 0;
    at += sizeof before - 1;
    if ((size_t)(base.p + base.n - at) < 5 || at[4] != ':')
        return 0;
    unsigned first = 0;
    for (int i = 0; i < 4; i++) {
        int digit = lintel_hex_digit(at[i]);
        if (digit < 0)
            return 0;
        first = first << 4 | (unsigned)digit;
    }
    return (first & 0xffc0) == 0xfe80;
}

int
lintel_rd_may_base(struct lintel_call *c, struct lintel_str base)
{
    if (!is_link_local(base) || c->x->scope != 0)
        return 1;
    lintel_call_fail(
        c, LINTEL_BAD_REQUEST,
        "base: a link-local address means nothing here; register over that link, or say "
        "an address that reaches further");
    return 0;
}

void
lintel_rd_note_link(struct lintel_rd *rd, const struct lintel_registration *reg, uint32_t scope)
{
    const char *key = (const char *)&reg->id;
    if (!is_link_local(reg->base) || scope == 0)
        (void)lintel_map_take(&rd->links, key, sizeof reg->id);
    else /* without memory it is shown to nobody until it is refreshed */
        (void)lintel_map_put(&rd->links, key, sizeof reg->id, (void *)(uintptr_t)scope);
}

void
lintel_rd_forget_link(struct lintel_rd *rd, uint64_t id)
{
    (void)lintel_map_take(&rd->links, (const char *)&id, sizeof id);
}

int
lintel_rd_is_on_link(const struct lintel_rd *rd, const struct lintel_registration *reg,
                     uint32_t scope)
{
    if (!is_link_local(reg->base))
        return 1;
    return scope != 0 &&
           (uintptr_t)lintel_map_get(&rd->links, (const char *)&reg->id, sizeof reg->id) == scope;
}
