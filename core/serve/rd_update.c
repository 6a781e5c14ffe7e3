/* SPDX-License-Identifier: Apache-2.0
 * POST to a registration: RFC 9176 section 5.3.1, and LwM2M's Update. */
#include "core/serve/rd_inside.h"

static int
check(struct lintel_call *c, const struct lintel_registration *reg,
      const struct lintel_rd_request *r)
{
    int is_lwm2m = (reg->flags & LINTEL_REG_LWM2M) != 0;
    if (r->ep.p != NULL || r->d.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "ep and d are the registration's name; register anew to change them");
    else if (r->lwm2m.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "lwm2m: only a registration says that");
    else if (is_lwm2m && r->base.p != NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "base: an LwM2M client is reached where it registers from");
    else if (!is_lwm2m && c->x->payload.n != 0)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "an update has no body; register again to change the links");
    else if (reg->flags & LINTEL_REG_SIMPLE)
        lintel_call_fail(c, LINTEL_FORBIDDEN,
                         "this was registered by /.well-known/rd; post there again");
    else
        return 1;
    return 0;
}

void
lintel_rd_update(struct lintel_call *c, const struct lintel_registration *reg)
{
    struct lintel_rd *rd = c->tree->rd;
    const lintel_exchange *x = c->x;
    const struct lintel_str links = {x->payload.p, x->payload.n};
    struct lintel_rd_request r;
    char reason[LINTEL_REASON];
    uint64_t id = reg->id;
    if (!lintel_rd_may(c, reg->d, LINTEL_MAY_REGISTER) || !lintel_rd_may_change(c, reg))
        return;
    if (lintel_rd_request_read(x, &r, reason) != 0) {
        lintel_call_fail(c, LINTEL_BAD_REQUEST, "%s", reason);
        return;
    }
    if (!check(c, reg, &r) ||
        (links.n != 0 && (lintel_rd_body(c) != 0 || !lintel_rd_may_links(c, links))) ||
        !lintel_rd_is_fresh(c, reg) || !lintel_rd_has_room(c, reg) ||
        (r.base.p != NULL && !lintel_rd_may_base(c, r.base)))
        return;
    struct lintel_reg_update u = {.lt = r.lt,
                                  .session = x->session,
                                  .attrs = r.attrs,
                                  .nattrs = r.nattrs,
                                  .base = r.base,
                                  .base_given = r.base.p != NULL};
    if (r.base.p == NULL && x->origin != NULL)
        u.base = lintel_str(x->origin);
    if (links.n != 0)
        u.links = links;
    if (lintel_registry_update(rd->registry, id, &u, lintel_rd_now(rd), reason) != 0) {
        lintel_call_fail(c, lintel_rd_code(reason), "%s", reason);
        return;
    }
    reg = lintel_registry_find(rd->registry, id);
    lintel_rd_count(rd, reg);
    lintel_rd_note_link(rd, reg, x->scope);
    lintel_rd_arm(rd);
    lintel_rd_done(c, LINTEL_CHANGED, id, 0);
}
