/* SPDX-License-Identifier: Apache-2.0
 * The directory for people: its figures, and all registrations as JSON. */
#include <string.h>

#include "core/serve/format.h"
#include "core/serve/rd_inside.h"
#include "core/store/store.h"

#define SECOND INT64_C(1000000000)

void
lintel_rd_status(const struct lintel_rd *rd, struct lintel_buf *out)
{
    struct lintel_registry_stats stats;
    struct lintel_store_stats store = {.trouble = ""};
    lintel_registry_stats(rd->registry, &stats);
    if (rd->tree->source.directory != NULL)
        lintel_store_stats(rd->tree->source.directory, &store);
    lintel_buf_addf(out, "{\"registrations\":%u,\"grace\":%u,\"links\":%llu,\"bytes\":%llu",
                    stats.active, stats.grace, (unsigned long long)stats.links,
                    (unsigned long long)stats.bytes);
    lintel_buf_addf(out, ",\"clients\":%zu,\"observers\":%u,\"notified\":%llu,\"building\":%u",
                    rd->clients.n, rd->nwatching, (unsigned long long)rd->notified, rd->nbuilding);
    lintel_buf_addf(out, ",\"fetches\":%u,\"kept\":%s,\"waiting\":%u,\"trouble\":", rd->nfetches,
                    rd->tree->source.directory != NULL && lintel_rd_conf(rd)->keep && !rd->soft
                        ? "true"
                        : "false",
                    rd->npending);
    const char *trouble = store.trouble != NULL && store.trouble[0] ? store.trouble
                          : rd->soft                                ? "registrations can't be kept"
                                                                    : "";
    lintel_buf_add_json_str(out, trouble, strlen(trouble));
    lintel_buf_addc(out, '}');
}

static void
text(struct lintel_buf *out, const char *name, struct lintel_str s)
{
    lintel_buf_addf(out, ",\"%s\":", name);
    lintel_buf_add_json_str(out, s.p != NULL ? s.p : "", s.n);
}

/* Who registered, as people know them. */
static struct lintel_str
who(const struct lintel_registration *reg)
{
    const char *end = reg->owner.n != 0 ? memchr(reg->owner.p, '\n', reg->owner.n) : NULL;
    size_t skip = end != NULL ? (size_t)(end + 1 - reg->owner.p)
                              : reg->owner.n != 0 && reg->owner.p[0] == '@';
    if (reg->flags & LINTEL_REG_OWN)
        return lintel_str("this hub");
    return (struct lintel_str){reg->owner.n != 0 ? reg->owner.p + skip : "", reg->owner.n - skip};
}

static void
add_one(struct lintel_rd *rd, const struct lintel_registration *reg, struct lintel_buf *out)
{
    char id[LINTEL_RD_ID];
    struct lintel_link_attr attr;
    struct lintel_str state = lintel_str(reg->flags & LINTEL_REG_SIMPLE  ? "fetched"
                                         : reg->flags & LINTEL_REG_LWM2M ? "lwm2m"
                                                                         : "");
    for (uint32_t i = 0; reg->flags & LINTEL_REG_OWN && lintel_registration_attr(reg, i, &attr);
         i++)
        if (lintel_str_eq(attr.name, "state"))
            state = attr.value;
    lintel_rd_id_print(reg->id, id);
    lintel_buf_addf(out, "%s{\"id\":\"%s\"", out->p[out->n - 1] == '[' ? "" : ",", id);
    text(out, "ep", reg->ep);
    text(out, "sector", reg->d);
    text(out, "base", reg->base);
    text(out, "who", who(reg));
    text(out, "state", state);
    lintel_buf_addf(out, ",\"links\":%u,\"lifetime\":%u,\"left\":", reg->nlinks, reg->lt);
    if (reg->expires == INT64_MAX)
        lintel_buf_adds(out, "null");
    else
        lintel_buf_addf(out, "%lld",
                        (long long)((reg->expires - lintel_rd_now(rd) + SECOND - 1) / SECOND));
    lintel_buf_addc(out, '}');
}

void
lintel_rd_list(struct lintel_rd *rd, struct lintel_buf *out)
{
    struct lintel_lookup l;
    struct lintel_buf links = {0};
    struct lintel_arena *a = lintel_arena_new();
    char reason[LINTEL_REASON];
    lintel_rd_arm(rd);
    lintel_buf_addc(out, '[');
    if (a == NULL || lintel_lookup_init(&l, 0, NULL, 0, reason) != 0) {
        lintel_arena_free(a);
        out->failed = 1;
        return;
    }
    l.here = lintel_str("");
    for (int more = 1; more && !out->failed;) {
        struct lintel_link_reader r;
        struct lintel_link link;
        const char *why;
        lintel_buf_reset(&links);
        more = lintel_lookup_step(rd->registry, &l, 1000, &links);
        /* A later step goes on behind a comma. */
        r = (struct lintel_link_reader){links.p, links.n, links.n != 0 && links.p[0] == ','};
        while (!out->failed && lintel_link_next(&r, a, &link, &why) > 0) {
            uint64_t id = link.target.n == 4 + LINTEL_RD_ID - 1
                              ? lintel_rd_id_read(link.target.p + 4, LINTEL_RD_ID - 1)
                              : 0;
            const struct lintel_registration *reg =
                id != 0 ? lintel_registry_find(rd->registry, id) : NULL;
            if (reg != NULL)
                add_one(rd, reg, out);
        }
        out->failed |= links.failed;
    }
    lintel_buf_fini(&links);
    lintel_arena_free(a);
    lintel_buf_addc(out, ']');
}
