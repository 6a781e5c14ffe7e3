/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/rd_inside.h"

#include <string.h>

#include "core/base/num.h"

#define NEVER INT64_MAX

const struct lintel_directory_conf *
lintel_rd_conf(const struct lintel_rd *rd)
{
    const struct lintel_site *site = rd->tree->site;
    return site != NULL && site->directory != NULL ? site->directory : &lintel_directory_default;
}

lintel_mono
lintel_rd_now(const struct lintel_rd *rd)
{
    return lintel_loop_now(rd->tree->source.loop);
}

void
lintel_rd_id_print(uint64_t id, char out[LINTEL_RD_ID])
{
    (void)lintel_format(out, LINTEL_RD_ID, "%016llx", (unsigned long long)id);
}

uint64_t
lintel_rd_id_read(const char *s, size_t n)
{
    uint64_t id = 0;
    if (n != LINTEL_RD_ID - 1)
        return 0;
    for (size_t i = 0; i < n; i++) {
        int digit = s[i] >= 'A' && s[i] <= 'F' ? -1 : lintel_hex_digit(s[i]);
        if (digit < 0)
            return 0;
        id = id << 4 | (uint64_t)digit;
    }
    return id;
}

void
lintel_rd_later(struct lintel_call *c, uint32_t code, const char *text)
{
    const lintel_answer a = {.size = sizeof a,
                             .code = code,
                             .format = LINTEL_FORMAT_NONE,
                             .max_age = LINTEL_RD_RETRY,
                             .payload = {text, strlen(text)}};
    lintel_call_answer(c, &a);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void
expire(void *ctx)
{
    struct lintel_rd *rd = ctx;
    (void)lintel_rd_wake(rd, NEVER);
    lintel_rd_arm(rd);
}

int
lintel_rd_wake(struct lintel_rd *rd, lintel_mono at)
{
    rd->expires = at;
    return lintel_timer_at(rd->tree->source.loop, &rd->expiry, at, expire, rd);
}

void
lintel_rd_arm(struct lintel_rd *rd)
{
    lintel_mono at = lintel_registry_expire(rd->registry, lintel_rd_now(rd));
    if (at != rd->expires)
        (void)lintel_rd_wake(rd, at);
}
