/* SPDX-License-Identifier: Apache-2.0
 * Lookups. The index names the registrations that could meet the rarest criterion (plan); each of
 * them is then looked at, in the order of registration, and judged by all criteria. So the index
 * may promise too much, and may change between two steps. */
#include <inttypes.h>
#include <string.h>

#include "core/base/num.h"
#include "core/directory/registry_priv.h"
#include "core/directory/uri.h"

enum { LISTS_MOST = 64, LINKS_A_COST = 16, ID_DIGITS = 16 };

static const char rd_prefix[] = "/rd/";
static const char endpoint_type[] = "core.rd-ep";

struct query {
    const struct lintel_registry *r;
    const struct lintel_lookup *l;
    uint32_t n;
    struct lintel_link_criterion criteria[LINTEL_LOOKUP_CRITERIA_MOST];
    struct lintel_str here; /* the origin of it */
    struct lintel_buf scratch;
    int failed; /* scratch had no memory: what was judged since may be wrong */
};

/* ---- reading the query ----------------------------------------------------------------------- */

static int
refuse(char reason[LINTEL_REASON], const char *text)
{
    lintel_copy(reason, LINTEL_REASON, text);
    return -1;
}

/* "name=" digits. 1: it is that; 0: another name; -1: no number. */
static int
number_of(lintel_span arg, const char *name, uint64_t *ret)
{
    size_t n = strlen(name);
    uint64_t value = 0;
    if (arg.n <= n || memcmp(arg.p, name, n) != 0 || arg.p[n] != '=')
        return arg.n == n && memcmp(arg.p, name, n) == 0 ? -1 : 0;
    if (arg.n == n + 1)
        return -1;
    for (size_t i = n + 1; i < arg.n; i++) {
        char c = arg.p[i];
        if (c < '0' || c > '9')
            return -1;
        uint64_t digit = (uint64_t)(c - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *ret = value;
    return 1;
}

int
lintel_lookup_init(struct lintel_lookup *l, int resources, const lintel_span *query,
                   uint32_t nquery, char reason[LINTEL_REASON])
{
    int count = 0, page = 0;
    *l = (struct lintel_lookup){.resources = resources, .count = UINT64_MAX};
    for (uint32_t i = 0; i < nquery; i++) {
        int c = number_of(query[i], "count", &l->count), p = number_of(query[i], "page", &l->page);
        if (c < 0 || p < 0)
            return refuse(reason, "page and count are numbers without sign");
        count += c;
        page += p;
        if (c != 0 || p != 0 || query[i].n == 0)
            continue;
        if (l->n == LINTEL_LOOKUP_CRITERIA_MOST)
            return refuse(reason, "more than 32 criteria");
        l->criteria[l->n++] = query[i];
    }
    if (count > 1 || page > 1)
        return refuse(reason, "page and count can be given once");
    if (page > count)
        return refuse(reason, "page needs count");
    return 0;
}

static void
query_init(struct query *q, const struct lintel_registry *r, const struct lintel_lookup *l)
{
    *q = (struct query){.r = r, .l = l, .n = l->n};
    for (uint32_t i = 0; i < l->n; i++)
        lintel_link_criterion_read(l->criteria[i], &q->criteria[i]);
    q->here = l->here.n == 0 ? (struct lintel_str){"", 0} : lintel_uri_origin(l->here);
}

/* ---- matching -------------------------------------------------------------------------------- */

static int
is_href(const struct lintel_link_criterion *c)
{
    return lintel_link_is_name(c->name, "href");
}

static struct lintel_str
base_of(const struct query *q, const struct reg *reg)
{
    return reg->pub.base.n != 0 ? reg->pub.base : q->l->here;
}

/* Until the next one is joined. */
static struct lintel_str
joined(struct query *q, struct lintel_str origin, struct lintel_str path)
{
    lintel_buf_reset(&q->scratch);
    lintel_buf_add(&q->scratch, origin.p, origin.n);
    lintel_buf_add(&q->scratch, path.p, path.n);
    q->failed |= q->scratch.failed;
    return (struct lintel_str){q->scratch.p, q->scratch.n};
}

/* A target or anchor as a URI: absolute ones as they are, paths on the base's origin. */
static struct lintel_str
resolved(struct query *q, const struct reg *reg, struct lintel_str ref)
{
    if (!reg_is_path(ref))
        return ref;
    struct lintel_str origin = reg->pub.base.n != 0 ? lintel_uri_origin(reg->pub.base) : q->here;
    return joined(q, origin, ref);
}

/* The registration resource, as a path or as a URI at the directory. */
static int
location_meets(struct query *q, const struct lintel_link_criterion *c, const struct reg *reg)
{
    char path[sizeof rd_prefix + ID_DIGITS];
    struct lintel_str text = {path, sizeof rd_prefix - 1 + ID_DIGITS};
    lintel_format(path, sizeof path, "%s%016" PRIx64, rd_prefix, reg->pub.id);
    if (c->bare || lintel_link_text_matches(c, text))
        return 1;
    return q->here.n != 0 && lintel_link_text_matches(c, joined(q, q->here, text));
}

/* All endpoints are of that type and are shown with it. Of their resources it says nothing. */
static int
meets_endpoint_type(const struct lintel_link_criterion *c)
{
    return lintel_link_attr_matches(c, lintel_str("rt"), lintel_str(endpoint_type));
}

static int
endpoint_meets(struct query *q, const struct lintel_link_criterion *c, const struct reg *reg)
{
    const struct lintel_registration *pub = &reg->pub;
    struct reg_cursor attrs;
    struct reg_attr attr;
    if (is_href(c))
        return location_meets(q, c, reg);
    if (lintel_link_attr_matches(c, lintel_str("ep"), pub->ep) ||
        (pub->d.n != 0 && lintel_link_attr_matches(c, lintel_str("d"), pub->d)) ||
        lintel_link_attr_matches(c, lintel_str("base"), base_of(q, reg)) ||
        (!q->l->resources && meets_endpoint_type(c)))
        return 1;
    reg_attrs(reg, &attrs);
    while (reg_attr_next(&attrs, &attr))
        if (lintel_link_attr_matches(c, attr.name, attr.value))
            return 1;
    return 0;
}

static int
link_meets(struct query *q, const struct lintel_link_criterion *c, const struct reg *reg,
           const struct reg_link *link)
{
    struct reg_cursor attrs = link->attrs;
    struct reg_attr attr;
    if (is_href(c))
        return c->bare || lintel_link_text_matches(c, resolved(q, reg, link->target));
    while (reg_attr_next(&attrs, &attr)) {
        if (attr.value.p != NULL && lintel_link_is_name(attr.name, "anchor"))
            attr.value = resolved(q, reg, attr.value);
        if (lintel_link_attr_matches(c, attr.name, attr.value))
            return 1;
    }
    return 0;
}

/* Criteria that the endpoint itself does not meet, as a set; its resources must. */
static uint32_t
unmet(struct query *q, const struct reg *reg)
{
    uint32_t ret = 0;
    for (uint32_t i = 0; i < q->n; i++)
        if (!endpoint_meets(q, &q->criteria[i], reg))
            ret |= 1u << i;
    return ret;
}

static uint32_t
met_by_link(struct query *q, uint32_t which, const struct reg *reg, const struct reg_link *link)
{
    uint32_t ret = 0;
    for (uint32_t i = 0; i < q->n; i++)
        if ((which & 1u << i) != 0 && link_meets(q, &q->criteria[i], reg, link))
            ret |= 1u << i;
    return ret;
}

/* An endpoint meets a criterion if it does, or any of its resources does (RFC 9176 section 6.2):
 * each criterion by itself. */
static int
endpoint_is_wanted(struct query *q, const struct reg *reg)
{
    uint32_t left = unmet(q, reg);
    struct reg_cursor links;
    struct reg_link link;
    reg_links(reg, &links);
    while (left != 0 && reg_link_next(&links, &link))
        left &= ~met_by_link(q, left, reg, &link);
    return left == 0;
}

/* ---- plan ------------------------------------------------------------------------------------ */

struct plan { /* where to look: everywhere, or at what stands in one of the lists */
    int all;
    uint32_t n;
    uint64_t total;
    struct reg_list lists[LISTS_MOST];
};

static void
plan_add(struct plan *p, struct reg_list list)
{
    if (list.n == 0 || p->all)
        return;
    if (p->n == LISTS_MOST) {
        p->all = 1;
        return;
    }
    p->lists[p->n++] = list;
    p->total += list.live;
}

static void
plan_key(const struct query *q, struct plan *p, enum reg_name name, struct lintel_str value)
{
    const struct reg_index *ix = &q->r->index;
    plan_add(p, reg_index_list(ix, reg_index_hash(ix, name, (struct lintel_str){"", 0}, value)));
}

struct plan_words {
    const struct query *q;
    struct plan *p;
};

static int
plan_word(void *ctx, uint32_t hash)
{
    struct plan_words *w = ctx;
    plan_add(w->p, reg_index_list(&w->q->r->index, hash));
    w->p->all |= w->p->total >= w->q->r->active; /* no better than all */
    return w->p->all;
}

static void
plan_location(const struct query *q, struct plan *p, struct lintel_str path, int prefix)
{
    uint64_t id = 0;
    size_t n = sizeof rd_prefix - 1;
    if (path.n < n + ID_DIGITS) {
        size_t both = path.n < n ? path.n : n;
        p->all |= prefix && memcmp(path.p, rd_prefix, both) == 0;
        return;
    }
    if (path.n != n + ID_DIGITS || memcmp(path.p, rd_prefix, n) != 0)
        return;
    for (size_t i = n; i < path.n; i++) {
        if (lintel_hex_digit(path.p[i]) < 0)
            return;
        id = id << 4 | (uint64_t)lintel_hex_digit(path.p[i]);
    }
    plan_add(p, reg_index_list(&q->r->names, registry_id_hash(q->r, id)));
}

/* A URI is found by its origin, or, as a whole, by its path or by itself. */
static void
plan_uri(const struct query *q, const struct lintel_link_criterion *c, int href, struct plan *p)
{
    struct lintel_str origin = lintel_uri_origin(c->want);
    struct lintel_str path = {c->want.p + origin.n, c->want.n - origin.n};
    int here = origin.n != 0 && origin.n == q->here.n && memcmp(origin.p, q->here.p, origin.n) == 0;
    if (c->prefix && (origin.n == 0 || path.n == 0)) {
        p->all = 1;
        return;
    }
    struct plan by_path = {0};
    plan_key(q, &by_path, REG_NAME_URI, c->want);
    if (origin.n != 0) {
        plan_key(q, &by_path, REG_NAME_PATH, path);
        plan_key(q, p, REG_NAME_ORIGIN, origin);
        if (here)
            plan_key(q, p, REG_NAME_ORIGIN, (struct lintel_str){"", 0});
    }
    if (!c->prefix && (origin.n == 0 || by_path.total < p->total))
        *p = by_path;
    if (href && here)
        plan_location(q, p, path, c->prefix);
}

static void
plan_attr(const struct query *q, const struct lintel_link_criterion *c, struct plan *p)
{
    struct lintel_str want = c->want;
    const struct reg_index *ix = &q->r->index;
    enum reg_name name = reg_name_of(c->name);
    if (lintel_link_is_list(c->name)) { /* kept by its words; a beginning must lie in the first */
        size_t start = 0;
        while (start < want.n && want.p[start] == ' ')
            start++;
        want = (struct lintel_str){want.p + start, 0};
        while (start + want.n < c->want.n && want.p[want.n] != ' ')
            want.n++;
        if (want.n == 0 || (c->prefix && want.n != c->want.n)) {
            p->all = 1;
            return;
        }
    }
    if (c->prefix && !reg_name_is_ordered(name)) {
        p->all = 1;
    } else if (c->prefix) {
        struct plan_words words = {q, p};
        reg_index_words(ix, (int)name, want, plan_word, &words);
    } else {
        plan_add(p, reg_index_list(ix, reg_index_hash(ix, name, c->name, want)));
    }
}

static void
plan_criterion(const struct query *q, const struct lintel_link_criterion *c, struct plan *p)
{
    *p = (struct plan){.all = c->bare};
    if (c->bare || c->name.n == 0)
        return;
    if (!q->l->resources && meets_endpoint_type(c))
        p->all = 1;
    else if (is_href(c) && reg_is_path(c->want))
        plan_location(q, p, c->want, c->prefix);
    else if (is_href(c) || lintel_link_is_name(c->name, "anchor"))
        plan_uri(q, c, is_href(c), p);
    else
        plan_attr(q, c, p);
    if (lintel_link_is_name(c->name, "base") && lintel_link_text_matches(c, q->l->here))
        plan_key(q, p, REG_NAME_BASE, (struct lintel_str){"", 0});
}

static void
plan_make(const struct query *q, struct plan *best)
{
    *best = (struct plan){.all = 1, .total = q->r->norder};
    for (uint32_t i = 0; i < q->n; i++) {
        struct plan p;
        plan_criterion(q, &q->criteria[i], &p);
        if (!p.all && p.total < best->total)
            *best = p;
    }
}

/* ---- the walk -------------------------------------------------------------------------------- */

struct walk {
    struct plan plan;
    uint32_t place;          /* in the order of all */
    uint32_t at[LISTS_MOST]; /* in each list */
};

static const struct reg *
next_of_all(struct query *q, struct walk *w, uint64_t seq)
{
    const struct lintel_registry *r = q->r;
    w->place = reg_order_from(r, w->place, seq);
    while (w->place < r->norder && r->order[w->place].reg == NULL)
        w->place++;
    return w->place < r->norder ? r->order[w->place].reg : NULL;
}

/* The next registration to be looked at; NULL: there is none. */
static const struct reg *
walk_next(struct query *q, struct walk *w, uint64_t seq)
{
    if (w->plan.all) {
        if (w->place < q->r->norder && q->r->order[w->place].seq >= seq)
            seq = q->r->order[w->place].seq; /* the usual case: no search */
        return next_of_all(q, w, seq);
    }
    for (;;) {
        uint64_t least = UINT64_MAX, got = 0;
        for (uint32_t i = 0; i < w->plan.n; i++)
            if (reg_list_next(&w->plan.lists[i], &w->at[i], seq, &got) && got < least)
                least = got;
        if (least == UINT64_MAX)
            return NULL;
        w->place = reg_order_from(q->r, w->place, least);
        if (w->place < q->r->norder && q->r->order[w->place].seq == least &&
            q->r->order[w->place].reg != NULL)
            return q->r->order[w->place].reg;
        seq = least + 1;
    }
}

/* ---- answers --------------------------------------------------------------------------------- */

static uint64_t
left_to_skip(const struct lintel_lookup *l)
{
    uint64_t skip =
        l->count != 0 && l->page > UINT64_MAX / l->count ? UINT64_MAX : l->page * l->count;
    return skip - l->skipped;
}

/* Counts one that is wanted; whether it stands on the page. */
static int
on_page(struct lintel_lookup *l)
{
    uint64_t *which = left_to_skip(l) == 0 ? &l->given : &l->skipped;
    ++*which;
    return which == &l->given;
}

static void
begin_link(const struct lintel_lookup *l, struct lintel_buf *out)
{
    lintel_buf_adds(out, l->given > 1 ? ",<" : "<");
}

static void
write_endpoint(struct query *q, const struct reg *reg, const struct lintel_lookup *l,
               struct lintel_buf *out)
{
    const struct lintel_registration *pub = &reg->pub;
    struct reg_cursor attrs;
    struct reg_attr attr;
    begin_link(l, out);
    lintel_buf_addf(out, "%s%016" PRIx64 ">", rd_prefix, pub->id);
    reg_attr_write(&(struct reg_attr){lintel_str("ep"), pub->ep, REG_VALUE_QUOTED}, out);
    if (pub->d.n != 0)
        reg_attr_write(&(struct reg_attr){lintel_str("d"), pub->d, REG_VALUE_QUOTED}, out);
    reg_attr_write(&(struct reg_attr){lintel_str("base"), base_of(q, reg), REG_VALUE_QUOTED}, out);
    reg_attr_write(
        &(struct reg_attr){lintel_str("rt"), lintel_str(endpoint_type), REG_VALUE_QUOTED}, out);
    reg_attrs(reg, &attrs);
    while (reg_attr_next(&attrs, &attr))
        reg_attr_write(&attr, out);
}

static void
write_resource(struct query *q, const struct reg *reg, struct reg_link *link,
               const struct lintel_lookup *l, struct lintel_buf *out)
{
    struct reg_attr attr;
    struct lintel_str target = resolved(q, reg, link->target);
    begin_link(l, out);
    lintel_buf_add(out, target.p, target.n);
    lintel_buf_addc(out, '>');
    while (reg_attr_next(&link->attrs, &attr)) {
        if (attr.value.p != NULL && lintel_link_is_name(attr.name, "anchor"))
            attr.value = resolved(q, reg, attr.value);
        reg_attr_write(&attr, out);
    }
}

static void
answer_endpoint(struct query *q, const struct reg *reg, struct lintel_lookup *l,
                struct lintel_buf *out)
{
    if (endpoint_is_wanted(q, reg) && on_page(l))
        write_endpoint(q, reg, l, out);
}

static void
answer_resources(struct query *q, const struct reg *reg, struct lintel_lookup *l,
                 struct lintel_buf *out)
{
    struct reg_cursor links;
    struct reg_link link;
    if (reg->pub.flags & LINTEL_REG_NO_LINKS)
        return;
    uint32_t left = unmet(q, reg);
    if (left == 0 && left_to_skip(l) >= reg->pub.nlinks) { /* all are skipped */
        l->skipped += reg->pub.nlinks;
        return;
    }
    reg_links(reg, &links);
    while (l->given < l->count && reg_link_next(&links, &link))
        if (met_by_link(q, left, reg, &link) == left && on_page(l))
            write_resource(q, reg, &link, l, out);
}

static int
is_visible(const struct lintel_lookup *l, const struct reg *reg)
{
    return l->visible == NULL || l->visible(l->visible_ctx, &reg->pub);
}

/* To let a long answer grow by doubling would copy all of it in one step. How long it becomes is
 * told by how far it is. */
static void
expect_rest(const struct query *q, const struct walk *w, struct lintel_buf *out)
{
    enum { LONG = 1 << 16, LONGEST = 1 << 28 };
    uint64_t seen = w->place, all = q->r->norder;
    if (out->n < LONG || out->room - out->n > out->n / 2)
        return;
    for (uint32_t i = 0; i < (w->plan.all ? 0 : w->plan.n); i++) {
        seen = i == 0 ? w->at[i] : seen + w->at[i];
        all = i == 0 ? w->plan.lists[i].n : all + w->plan.lists[i].n;
    }
    if (seen == 0 || all < seen)
        return;
    double whole = (double)out->n * 1.1 * (double)all / (double)seen;
    lintel_buf_expect(out, whole < LONGEST ? (size_t)whole : LONGEST);
}

int
lintel_lookup_step(const struct lintel_registry *r, struct lintel_lookup *l, uint32_t budget,
                   struct lintel_buf *out)
{
    struct query q;
    struct walk w = {0};
    const struct reg *reg = NULL;
    query_init(&q, r, l);
    plan_make(&q, &w.plan);
    for (uint64_t spent = 0; spent < budget || spent == 0;) {
        reg = l->given < l->count && !out->failed ? walk_next(&q, &w, l->at) : NULL;
        if (reg == NULL)
            break;
        l->at = reg->seq + 1;
        spent += 1 + reg->pub.nlinks / LINKS_A_COST;
        if (!reg->active || !is_visible(l, reg))
            continue;
        if (l->resources)
            answer_resources(&q, reg, l, out);
        else
            answer_endpoint(&q, reg, l, out);
    }
    if (q.failed)
        out->failed = 1;
    if (reg != NULL)
        expect_rest(&q, &w, out);
    lintel_buf_fini(&q.scratch);
    return reg != NULL && l->given < l->count && !out->failed;
}

int
lintel_lookup_concerns(const struct lintel_registry *r, const struct lintel_lookup *l,
                       const struct lintel_registration *pub)
{
    const struct reg *reg = (const struct reg *)(const void *)pub;
    struct query q;
    int ret = 0;
    if (!is_visible(l, reg))
        return 0;
    query_init(&q, r, l);
    if (!l->resources) {
        ret = endpoint_is_wanted(&q, reg);
    } else if ((pub->flags & LINTEL_REG_NO_LINKS) == 0) {
        struct reg_cursor links;
        struct reg_link link;
        uint32_t left = unmet(&q, reg);
        reg_links(reg, &links);
        while (!ret && reg_link_next(&links, &link))
            ret = met_by_link(&q, left, reg, &link) == left;
    }
    /* Who can't tell takes it for concerned. */
    ret |= q.failed;
    lintel_buf_fini(&q.scratch);
    return ret;
}
