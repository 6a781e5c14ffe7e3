/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/reg_block.h"

#include <stdio.h>
#include <string.h>

#include "core/directory/uri.h"

enum { VALUE_BITS = 13 }; /* LINTEL_LINK_TEXT_MOST fits */

/* ---- reading --------------------------------------------------------------------------------- */

static uint32_t
get16(const char *p)
{
    return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

void
reg_attrs(const struct reg *reg, struct reg_cursor *ret)
{
    *ret = (struct reg_cursor){reg->data + reg->attrs_at, reg->nattrs};
}

void
reg_links(const struct reg *reg, struct reg_cursor *ret)
{
    *ret = (struct reg_cursor){reg->data + reg->links_at, reg->pub.nlinks};
}

size_t
reg_value_head(const char *p, enum reg_value *ret)
{
    uint32_t head = get16(p);
    *ret = (enum reg_value)(head >> VALUE_BITS);
    return head & ((1u << VALUE_BITS) - 1);
}

int
reg_attr_next(struct reg_cursor *c, struct reg_attr *ret)
{
    if (c->left == 0)
        return 0;
    c->left--;
    size_t name = (unsigned char)c->p[0], value = reg_value_head(c->p + 1, &ret->kind);
    ret->name = (struct lintel_str){c->p + REG_HEAD, name};
    ret->value =
        (struct lintel_str){ret->kind == REG_VALUE_NONE ? NULL : c->p + REG_HEAD + name, value};
    c->p += 3 + name + value;
    return 1;
}

/* The head of a link; there is one. */
static void
open_link(struct reg_cursor *c, struct lintel_str *target, struct reg_cursor *attrs)
{
    c->left--;
    *target = (struct lintel_str){c->p + REG_HEAD, get16(c->p)};
    *attrs = (struct reg_cursor){target->p + target->n, (unsigned char)c->p[2]};
}

int
reg_link_next(struct reg_cursor *c, struct reg_link *ret)
{
    if (c->left == 0)
        return 0;
    open_link(c, &ret->target, &ret->attrs);
    struct reg_cursor behind = ret->attrs;
    for (struct reg_attr skipped; reg_attr_next(&behind, &skipped);)
        ;
    c->p = behind.p;
    return 1;
}

void
reg_attr_write(const struct reg_attr *attr, struct lintel_buf *out)
{
    lintel_buf_addc(out, ';');
    lintel_buf_add(out, attr->name.p, attr->name.n);
    if (attr->kind == REG_VALUE_NONE)
        return;
    lintel_buf_addc(out, '=');
    if (attr->kind == REG_VALUE_BARE) {
        lintel_buf_add(out, attr->value.p, attr->value.n);
        return;
    }
    lintel_buf_addc(out, '"');
    for (size_t i = 0; i < attr->value.n; i++) {
        if (attr->value.p[i] == '"' || attr->value.p[i] == '\\')
            lintel_buf_addc(out, '\\');
        lintel_buf_addc(out, attr->value.p[i]);
    }
    lintel_buf_addc(out, '"');
}

void
lintel_registration_links(const struct lintel_registration *pub, struct lintel_buf *out)
{
    struct reg_cursor links;
    struct reg_link link;
    struct reg_attr attr;
    reg_links((const struct reg *)(const void *)pub, &links);
    while (reg_link_next(&links, &link)) {
        lintel_buf_adds(out, out->n != 0 ? ",<" : "<");
        lintel_buf_add(out, link.target.p, link.target.n);
        lintel_buf_addc(out, '>');
        while (reg_attr_next(&link.attrs, &attr))
            reg_attr_write(&attr, out);
    }
}

int
lintel_registration_attr(const struct lintel_registration *pub, uint32_t i,
                         struct lintel_link_attr *ret)
{
    struct reg_cursor attrs;
    struct reg_attr attr;
    reg_attrs((const struct reg *)(const void *)pub, &attrs);
    do {
        if (!reg_attr_next(&attrs, &attr))
            return 0;
    } while (i-- != 0);
    *ret = (struct lintel_link_attr){attr.name, attr.value};
    return 1;
}

/* ---- making ---------------------------------------------------------------------------------- */

int
reg_is_path(struct lintel_str ref)
{
    return ref.n != 0 && ref.p[0] == '/';
}

/* What was reserved before a text is filled in when its length is known. */
static void
set16(struct lintel_buf *b, size_t at, size_t n)
{
    if (b->failed)
        return;
    b->p[at] = (char)(n >> 8);
    b->p[at + 1] = (char)(n & 255);
}

/* A path loses its dots; what stands behind '?' or '#' is none of it. */
void
reg_pack_path(struct lintel_buf *b, struct lintel_str ref)
{
    struct lintel_uri u;
    lintel_uri_split(ref, &u);
    lintel_uri_plain_path(b, u.path);
    lintel_buf_add(b, ref.p + u.path.n, ref.n - u.path.n);
}

static void
pack_text(struct lintel_buf *b, struct lintel_str s, int is_reference)
{
    if (is_reference && reg_is_path(s) && memmem(s.p, s.n, "/.", 2) != NULL)
        reg_pack_path(b, s);
    else
        lintel_buf_add(b, s.p, s.n);
}

static void
pack_attr(struct lintel_buf *b, const struct lintel_link_attr *attr, enum reg_value kind)
{
    size_t start = b->n;
    char head[REG_HEAD] = {(char)attr->name.n};
    lintel_buf_add(b, head, sizeof head);
    lintel_buf_add(b, attr->name.p, attr->name.n);
    size_t value = b->n;
    pack_text(b, attr->value, lintel_link_is_name(attr->name, "anchor"));
    set16(b, start + 1, (b->n - value) | (size_t)kind << VALUE_BITS);
}

/* How a value stood in the document; only quoted ones have escapes, and lie elsewhere then. */
static enum reg_value
kind_of(struct lintel_str value, struct lintel_str doc)
{
    if (value.p == NULL)
        return REG_VALUE_NONE;
    int inside = value.p > doc.p && value.p <= doc.p + doc.n;
    return inside && value.p[-1] != '"' ? REG_VALUE_BARE : REG_VALUE_QUOTED;
}

static void
pack_link(struct lintel_buf *b, const struct lintel_link *l, struct lintel_str doc)
{
    size_t start = b->n;
    char head[REG_HEAD] = {0, 0, (char)l->n};
    lintel_buf_add(b, head, sizeof head);
    pack_text(b, l->target, 1);
    set16(b, start, b->n - start - sizeof head);
    for (uint32_t i = 0; i < l->n; i++)
        pack_attr(b, &l->attrs[i], kind_of(l->attrs[i].value, doc));
}

int
reg_links_read(struct lintel_str doc, struct lintel_buf *packed, uint32_t *ret_n, size_t *ret_at,
               char reason[LINTEL_REASON])
{
    struct lintel_link_reader r = {doc.p, doc.n, 0};
    struct lintel_link link;
    const char *why = "out of memory";
    uint32_t n = 0;
    if (reg_check_document(doc, ret_at, reason) != 0)
        return -1;
    struct lintel_arena *arena = lintel_arena_new();
    int got = -1, refused = 0;
    while (arena != NULL && (*ret_at = r.at, got = lintel_link_next(&r, arena, &link, &why)) == 1) {
        refused = reg_check_link(&link, n++, reason);
        if (refused)
            break;
        if (packed != NULL)
            pack_link(packed, &link, doc);
    }
    lintel_arena_free(arena);
    *ret_n = n;
    if (got >= 0)
        return refused;
    *ret_at = r.at;
    lintel_copy(reason, LINTEL_REASON, why);
    return -1;
}

static struct lintel_str
keep(struct lintel_buf *b, struct lintel_str s)
{
    struct lintel_str at = {NULL, s.n};
    lintel_buf_add(b, s.p, s.n);
    return at;
}

static const char *
place(struct lintel_str *s, const char *p)
{
    s->p = p;
    return p + s->n;
}

/* The links of a new block, behind what stands in scratch. */
static int
add_links(const struct lintel_reg_input *in, struct lintel_str packed, uint32_t *nlinks,
          struct lintel_buf *scratch, char reason[LINTEL_REASON])
{
    char why[LINTEL_REASON];
    size_t at = 0;
    if (packed.p != NULL) {
        lintel_buf_add(scratch, packed.p, packed.n);
        return reg_links_check(packed, *nlinks, reason);
    }
    if (reg_links_read(in->links, scratch, nlinks, &at, why) == 0)
        return 0;
    lintel_format(reason, LINTEL_REASON, "links, byte %zu: %s", at, why);
    return -1;
}

struct lintel_str
reg_block_links(const struct reg *reg)
{
    return (struct lintel_str){reg->data + reg->links_at, reg->size - sizeof *reg - reg->links_at};
}

struct reg *
reg_block_new(const struct lintel_reg_input *in, struct lintel_str packed, uint32_t nlinks,
              struct lintel_buf *scratch, char reason[LINTEL_REASON])
{
    struct lintel_registration pub = {
        .session = in->session, .lt = in->lt, .flags = in->flags, .nlinks = nlinks};
    lintel_buf_reset(scratch);
    pub.ep = keep(scratch, in->ep);
    pub.d = keep(scratch, in->d);
    pub.base = keep(scratch, in->base);
    pub.owner = keep(scratch, in->owner);
    size_t attrs_at = scratch->n;
    for (uint32_t i = 0; i < in->nattrs; i++)
        pack_attr(scratch, &in->attrs[i],
                  in->attrs[i].value.p == NULL ? REG_VALUE_NONE : REG_VALUE_QUOTED);
    size_t links_at = scratch->n;
    if (add_links(in, packed, &pub.nlinks, scratch, reason) != 0)
        return NULL;
    struct reg *reg = scratch->failed ? NULL : lintel_alloc(sizeof *reg + scratch->n);
    if (reg == NULL) {
        lintel_copy(reason, LINTEL_REASON, "out of memory");
        return NULL;
    }
    reg->pub = pub;
    reg->nattrs = in->nattrs;
    reg->attrs_at = (uint32_t)attrs_at;
    reg->links_at = (uint32_t)links_at;
    reg->size = (uint32_t)(sizeof *reg + scratch->n);
    if (scratch->n != 0)
        memcpy(reg->data, scratch->p, scratch->n);
    place(&reg->pub.owner,
          place(&reg->pub.base, place(&reg->pub.d, place(&reg->pub.ep, reg->data))));
    return reg;
}

int
reg_block_same(const struct reg *a, const struct reg *b)
{
    return a->size == b->size && a->attrs_at == b->attrs_at && a->links_at == b->links_at &&
           a->nattrs == b->nattrs && a->pub.nlinks == b->pub.nlinks &&
           a->pub.flags == b->pub.flags && a->pub.ep.n == b->pub.ep.n && a->pub.d.n == b->pub.d.n &&
           a->pub.base.n == b->pub.base.n && memcmp(a->data, b->data, a->size - sizeof *a) == 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int
is_list(enum reg_name name)
{
    return name == REG_NAME_RT || name == REG_NAME_IF || name == REG_NAME_CT ||
           name == REG_NAME_REL || name == REG_NAME_REV;
}

static int
attr_keys(enum reg_name name, const struct reg_attr *attr, reg_key_fn *fn, void *ctx)
{
    struct lintel_str value = attr->value;
    if (value.p == NULL)
        return 0;
    if (!is_list(name))
        return fn(ctx, name, attr->name, value);
    for (size_t i = 0; i < value.n;) {
        size_t end = i;
        while (end < value.n && value.p[end] != ' ')
            end++;
        if (end > i) {
            int got = fn(ctx, name, attr->name, (struct lintel_str){value.p + i, end - i});
            if (got != 0)
                return got;
        }
        i = end + 1;
    }
    return 0;
}

static int
key(enum reg_name name, struct lintel_str value, reg_key_fn *fn, void *ctx)
{
    return fn(ctx, name, (struct lintel_str){"", 0}, value);
}

static int
uri_keys(struct lintel_str ref, reg_key_fn *fn, void *ctx)
{
    if (reg_is_path(ref))
        return key(REG_NAME_PATH, ref, fn, ctx);
    struct lintel_str origin = lintel_uri_origin(ref);
    int got = origin.n == 0 ? 0 : key(REG_NAME_ORIGIN, origin, fn, ctx);
    return got != 0 ? got : key(REG_NAME_URI, ref, fn, ctx);
}

/* The link's attributes are read here, once: c moves behind them. */
static int
link_keys(struct reg_cursor *c, reg_key_fn *fn, void *ctx)
{
    struct lintel_str target;
    struct reg_cursor attrs;
    struct reg_attr attr;
    open_link(c, &target, &attrs);
    int got = uri_keys(target, fn, ctx);
    while (got == 0 && reg_attr_next(&attrs, &attr)) {
        enum reg_name name = reg_name_of(attr.name);
        if (name == REG_NAME_ANCHOR && attr.value.p != NULL)
            got = uri_keys(attr.value, fn, ctx);
        else
            got = attr_keys(name, &attr, fn, ctx);
    }
    c->p = attrs.p;
    return got;
}

/* The endpoint's own. A base of "" is one of the directory's own registrations. */
static int
endpoint_keys(const struct reg *reg, reg_key_fn *fn, void *ctx)
{
    const struct lintel_registration *pub = &reg->pub;
    int got = key(REG_NAME_EP, pub->ep, fn, ctx);
    if (got == 0 && pub->d.n != 0)
        got = key(REG_NAME_D, pub->d, fn, ctx);
    if (got == 0)
        got = key(REG_NAME_BASE, pub->base, fn, ctx);
    if (got == 0)
        got = key(REG_NAME_ORIGIN, lintel_uri_origin(pub->base), fn, ctx);
    return got;
}

int
reg_keys(const struct reg *reg, reg_key_fn *fn, void *ctx)
{
    struct reg_cursor attrs, links;
    struct reg_attr attr;
    int got = endpoint_keys(reg, fn, ctx);
    reg_attrs(reg, &attrs);
    while (got == 0 && reg_attr_next(&attrs, &attr))
        got = attr_keys(reg_name_of(attr.name), &attr, fn, ctx);
    reg_links(reg, &links);
    while (got == 0 && links.left != 0)
        got = link_keys(&links, fn, ctx);
    return got;
}
