/* SPDX-License-Identifier: Apache-2.0
 * What a registration says in its query and its body (RFC 9176 section 5). */
#include <string.h>

#include "core/serve/rd_inside.h"

static int
refuse(char reason[LINTEL_REASON], const char *text)
{
    lintel_copy(reason, LINTEL_REASON, text);
    return -1;
}

static int
is_word(struct lintel_str s, const char *word)
{
    return lintel_str_eq(s, word);
}

/* Seconds, in figures alone; 64 bits, so that what is too large is seen. */
static int
read_lifetime(struct lintel_str s, uint32_t *ret)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 19)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (v == 0 || v > UINT32_MAX)
        return -1;
    *ret = (uint32_t)v;
    return 0;
}

static int
read_once(struct lintel_str *to, struct lintel_str value, char reason[LINTEL_REASON])
{
    if (to->p != NULL)
        return refuse(reason, "ep, d, lt, base and lwm2m may stand once only");
    if (value.p == NULL)
        return refuse(reason, "ep, d, lt, base and lwm2m need a value behind '='");
    *to = value;
    return 0;
}

static int
read_attr(struct lintel_rd_request *r, struct lintel_str name, struct lintel_str value,
          char reason[LINTEL_REASON])
{
    struct lintel_link_attr attr = {name, value};
    if (lintel_reg_check_attr(&attr, reason) != 0)
        return -1;
    if (r->nattrs == LINTEL_REG_ATTRS_MOST) {
        lintel_format(reason, LINTEL_REASON, "more than %d parameters", LINTEL_REG_ATTRS_MOST);
        return -1;
    }
    r->attrs[r->nattrs++] = attr;
    return 0;
}

static int
check_names(const struct lintel_rd_request *r, char reason[LINTEL_REASON])
{
    if (r->ep.p != NULL && (r->ep.n == 0 || !lintel_reg_is_name(r->ep)))
        return refuse(reason, "ep: 1 to 63 bytes of UTF-8 without control characters");
    if (r->d.p != NULL && !lintel_reg_is_name(r->d))
        return refuse(reason, "d: at most 63 bytes of UTF-8 without control characters");
    return r->base.p != NULL ? lintel_reg_check_base(r->base, reason) : 0;
}

int
lintel_rd_request_read(const lintel_exchange *x, struct lintel_rd_request *ret,
                       char reason[LINTEL_REASON])
{
    struct lintel_str lifetime = {0};
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < x->nquery; i++) {
        const lintel_span *q = &x->query[i];
        const char *equals = q->n != 0 ? memchr(q->p, '=', q->n) : NULL;
        struct lintel_str name = {q->p, equals != NULL ? (size_t)(equals - q->p) : q->n};
        struct lintel_str value = {0};
        int failed;
        if (equals != NULL)
            value = (struct lintel_str){equals + 1, q->n - name.n - 1};
        if (is_word(name, "ep"))
            failed = read_once(&ret->ep, value, reason);
        else if (is_word(name, "d"))
            failed = read_once(&ret->d, value, reason);
        else if (is_word(name, "lt"))
            failed = read_once(&lifetime, value, reason);
        else if (is_word(name, "base"))
            failed = read_once(&ret->base, value, reason);
        else
            failed = (is_word(name, "lwm2m") && read_once(&ret->lwm2m, value, reason) != 0) ||
                     read_attr(ret, name, value, reason) != 0;
        if (failed)
            return -1;
    }
    if (lifetime.p != NULL && read_lifetime(lifetime, &ret->lt) != 0)
        return refuse(reason, "lt: seconds, from 1 to 4294967295");
    return check_names(ret, reason);
}

int
lintel_rd_body(struct lintel_call *c)
{
    const lintel_exchange *x = c->x;
    struct lintel_str links = {x->payload.p, x->payload.n};
    char reason[LINTEL_REASON];
    size_t at = 0;
    if (x->format != LINTEL_FORMAT_LINK && (x->format != LINTEL_FORMAT_NONE || links.n != 0)) {
        lintel_call_fail(c, LINTEL_UNSUPPORTED,
                         "links are Content-Format 40 (application/link-format)");
        return -1;
    }
    if (links.n > LINTEL_REG_BYTES_MOST) {
        static const char text[] = "more links than one registration may have";
        const lintel_answer a = {.size = sizeof a,
                                 .code = LINTEL_TOO_LARGE,
                                 .format = LINTEL_FORMAT_NONE,
                                 .payload = {text, sizeof text - 1},
                                 .size1 = LINTEL_REG_BYTES_MOST};
        lintel_call_answer(c, &a);
        return -1;
    }
    if (lintel_reg_check_links(links, &at, reason) == 0)
        return 0;
    lintel_call_fail(c, lintel_rd_code(reason), "links, byte %zu: %s", at, reason);
    return -1;
}

int
lintel_rd_complete(struct lintel_call *c, struct lintel_rd_request *r, uint32_t *flags)
{
    const lintel_exchange *x = c->x;
    if (r->ep.p == NULL && x->flags & LINTEL_X_SECURE && x->identity != NULL)
        r->ep = lintel_str(x->identity);
    if (r->d.p == NULL)
        r->d = lintel_str(lintel_rd_conf(c->tree->rd)->sector);
    if (r->base.p != NULL)
        *flags |= LINTEL_REG_BASE;
    else if (x->origin != NULL)
        r->base = lintel_str(x->origin);
    if (r->ep.n == 0 || !lintel_reg_is_name(r->ep))
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "ep: the endpoint's name is missing (1 to 63 bytes)");
    else if (r->base.p == NULL)
        lintel_call_fail(c, LINTEL_BAD_REQUEST,
                         "base: where the endpoint is reached can't be seen here; say it");
    else
        return lintel_rd_may_base(c, r->base);
    return 0;
}
