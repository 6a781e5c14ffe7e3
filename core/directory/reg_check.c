/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include "core/directory/reg_block.h"
#include "core/directory/uri.h"

__attribute__((format(printf, 2, 3))) static int
refuse(char reason[LINTEL_REASON], const char *format, ...)
{
    va_list args;
    struct lintel_buf text = {.limit = LINTEL_REASON - 1};
    va_start(args, format);
    lintel_buf_addv(&text, format, args);
    va_end(args);
    lintel_copy(reason, LINTEL_REASON, lintel_buf_str(&text));
    lintel_buf_fini(&text);
    return -1;
}

/* UTF-8 without U+0000 to U+001F and U+007F to U+009F. */
static int
is_plain(struct lintel_str s)
{
    if (lintel_utf8_valid(s.p, s.n) != s.n)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f)
            return 0;
        if (c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
            return 0;
    }
    return 1;
}

int
lintel_reg_is_name(struct lintel_str s)
{
    return s.n <= LINTEL_REG_NAME_MOST && is_plain(s);
}

/* "host", "host:port", "[address]", "[address]:port". */
static const char *
judge_authority(struct lintel_str a)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t end = 0;
    if (a.n != 0 && a.p[0] == '[') {
        const char *close = memchr(a.p, ']', a.n);
        if (close == NULL)
            return "the address has no ']'";
        size_t n = (size_t)(close - a.p) - 1;
        if (memchr(a.p, '%', a.n) != NULL)
            return "a zone id means nothing to others; leave it out";
        if (n >= sizeof address)
            return "what stands in [] is no IPv6 address";
        memcpy(address, a.p + 1, n);
        address[n] = '\0';
        if (inet_pton(AF_INET6, address, &parsed) != 1)
            return "what stands in [] is no IPv6 address";
        end = n + 2;
    } else {
        while (end < a.n && a.p[end] != ':')
            end++;
    }
    if (end == 0)
        return "it has no host";
    if (end == a.n)
        return NULL;
    uint32_t port = 0;
    if (a.p[end] != ':')
        return "behind ']' only a port may stand";
    for (size_t i = end + 1; i < a.n; i++) {
        if (a.p[i] < '0' || a.p[i] > '9' || (port = port * 10 + (uint32_t)(a.p[i] - '0')) > 65535)
            return "the port is none";
    }
    return end + 1 == a.n ? "the port is missing" : NULL;
}

int
lintel_reg_check_base(struct lintel_str s, char reason[LINTEL_REASON])
{
    struct lintel_uri u;
    if (s.n > LINTEL_REG_BASE_MOST)
        return refuse(reason, "base is longer than %d bytes", LINTEL_REG_BASE_MOST);
    lintel_uri_split(s, &u);
    if (u.scheme.p == NULL || u.authority.p == NULL)
        return refuse(reason, "base must be an absolute URI like coap://[2001:db8::1]:5683");
    if (u.query.p != NULL || u.fragment.p != NULL)
        return refuse(reason, "base must have no query and no fragment");
    const char *why = judge_authority(u.authority);
    if (why != NULL)
        return refuse(reason, "base: %s", why);
    if (!lintel_uri_is_text(s))
        return refuse(reason, "base has a character that can't stand in a URI");
    return 0;
}

/* Names that a lookup could not tell from its own, or that say something else in a registration. */
int
lintel_reg_check_attr(const struct lintel_link_attr *attr, char reason[LINTEL_REASON])
{
    static const char *const taken[] = {"ep", "d",    "lt",     "base", "page", "count",
                                        "rt", "href", "anchor", "if",   "rel"};
    if (attr->name.n == 0 || attr->name.n > LINTEL_LINK_NAME_MOST)
        return refuse(reason, "a parameter's name has 1 to %d bytes", LINTEL_LINK_NAME_MOST);
    for (size_t i = 0; i < attr->name.n; i++) {
        char c = attr->name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$&+-.^_`|~*", c) != NULL)))
            return refuse(reason, "a character that can't stand in a parameter's name");
    }
    for (size_t i = 0; i < LINTEL_COUNT(taken); i++)
        if (lintel_link_is_name(attr->name, taken[i]))
            return refuse(reason, "\"%s\" can't be an attribute of an endpoint", taken[i]);
    if (attr->value.n > LINTEL_REG_ATTR_MOST)
        return refuse(reason, "\"%.*s\" is longer than %d bytes", (int)attr->name.n, attr->name.p,
                      LINTEL_REG_ATTR_MOST);
    if (!is_plain(attr->value))
        return refuse(reason, "\"%.*s\" must be UTF-8 without control characters",
                      (int)attr->name.n, attr->name.p);
    return 0;
}

/* A URI, or a path that begins with exactly one slash, also when its dots are resolved. */
static int
is_limited(struct lintel_str ref)
{
    struct lintel_uri u;
    struct lintel_buf plain = {0};
    if (!lintel_uri_is_text(ref))
        return 0;
    lintel_uri_split(ref, &u);
    if (u.scheme.p != NULL)
        return u.authority.n + u.path.n != 0;
    if (u.authority.p != NULL || u.path.n == 0 || u.path.p[0] != '/')
        return 0;
    if (memmem(u.path.p, u.path.n, "/.", 2) == NULL)
        return 1;
    lintel_uri_plain_path(&plain, u.path);
    int ret = !plain.failed && !(plain.n >= 2 && plain.p[1] == '/');
    lintel_buf_fini(&plain);
    return ret;
}

int
reg_check_link(const struct lintel_link *l, uint32_t n, char reason[LINTEL_REASON])
{
    if (n >= LINTEL_REG_LINKS_MOST)
        return refuse(reason, "more than %d links", LINTEL_REG_LINKS_MOST);
    if (!is_limited(l->target))
        return refuse(reason, "the target must be a URI, or a path that begins with one '/'");
    for (uint32_t i = 0; i < l->n; i++)
        if (lintel_link_is_name(l->attrs[i].name, "anchor") && !is_limited(l->attrs[i].value))
            return refuse(reason, "the anchor must be a URI, or a path that begins with one '/'");
    return 0;
}

int
reg_check_document(struct lintel_str doc, size_t *ret_at, char reason[LINTEL_REASON])
{
    *ret_at = 0;
    if (doc.n > LINTEL_REG_BYTES_MOST)
        return refuse(reason, "links of more than %d bytes", LINTEL_REG_BYTES_MOST);
    if (doc.n != 0)
        *ret_at = lintel_utf8_valid(doc.p, doc.n);
    return *ret_at == doc.n ? 0 : refuse(reason, "no UTF-8");
}

int
lintel_reg_check_links(struct lintel_str doc, size_t *ret_at, char reason[LINTEL_REASON])
{
    uint32_t n;
    return reg_links_read(doc, NULL, &n, ret_at, reason);
}

/* ---- links that are packed ------------------------------------------------------------------- */

struct taken { /* bytes, from the front */
    const char *p;
    size_t left;
    uint32_t once; /* attributes that stand once and were met in this link */
};

static int
take(struct taken *t, size_t n, struct lintel_str *ret)
{
    if (n > t->left)
        return 0;
    *ret = (struct lintel_str){t->p, n};
    t->p += n;
    t->left -= n;
    return 1;
}

/* A value in quotes: UTF-8 without NUL. *bytes counts its escapes. */
static int
is_quotable(struct lintel_str value, size_t *bytes)
{
    int high = 0;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\0')
            return 0;
        *bytes += c == '"' || c == '\\';
        high |= (unsigned char)c >= 0x80;
    }
    return value.n <= LINTEL_LINK_TEXT_MOST &&
           (!high || lintel_utf8_valid(value.p, value.n) == value.n);
}

/* One attribute; *bytes counts its text. */
static int
take_attr(struct taken *t, struct lintel_link *l, size_t *bytes)
{
    struct lintel_link_attr *attr = &l->attrs[l->n];
    struct lintel_str head;
    enum reg_value kind;
    if (!take(t, REG_HEAD, &head))
        return 0;
    size_t n = reg_value_head(head.p + 1, &kind);
    if (!take(t, (unsigned char)head.p[0], &attr->name) || !take(t, n, &attr->value) ||
        !lintel_link_is_parmname(attr->name))
        return 0;
    uint32_t once = lintel_link_stands_once(attr->name);
    if (t->once & once)
        return 0;
    t->once |= once;
    l->n++;
    *bytes += 1 + attr->name.n + n + (kind == REG_VALUE_NONE ? 0 : kind == REG_VALUE_BARE ? 1 : 3);
    if (kind == REG_VALUE_NONE)
        attr->value.p = NULL;
    return kind == REG_VALUE_NONE   ? n == 0
           : kind == REG_VALUE_BARE ? lintel_link_is_ptoken(attr->value)
                                    : kind == REG_VALUE_QUOTED && is_quotable(attr->value, bytes);
}

/* A path with dots that packing would have taken away. */
static int
has_dots(struct lintel_str ref)
{
    struct lintel_buf plain = {0};
    if (!reg_is_path(ref) || memmem(ref.p, ref.n, "/.", 2) == NULL)
        return 0;
    reg_pack_path(&plain, ref);
    int same = !plain.failed && plain.n == ref.n && memcmp(plain.p, ref.p, ref.n) == 0;
    lintel_buf_fini(&plain);
    return !same;
}

static int
take_link(struct taken *t, struct lintel_link *l, size_t *bytes)
{
    struct lintel_str head, anchor;
    if (!take(t, REG_HEAD, &head) || (unsigned char)head.p[2] > LINTEL_LINK_ATTRS_MOST ||
        !take(t, (size_t)(unsigned char)head.p[0] << 8 | (unsigned char)head.p[1], &l->target) ||
        l->target.n > LINTEL_LINK_TEXT_MOST)
        return 0;
    *bytes += 3 + l->target.n;
    l->n = 0;
    t->once = 0;
    for (uint32_t i = 0; i < (unsigned char)head.p[2]; i++)
        if (!take_attr(t, l, bytes))
            return 0;
    anchor = lintel_link_get(l, "anchor");
    return !has_dots(l->target) && (anchor.p == NULL || !has_dots(anchor));
}

int
reg_links_check(struct lintel_str packed, uint32_t n, char reason[LINTEL_REASON])
{
    struct taken t = {packed.p, packed.n, 0};
    struct lintel_link link;
    size_t bytes = 0; /* as text, with a comma too many */
    for (uint32_t i = 0; i < n; i++) {
        if (!take_link(&t, &link, &bytes))
            return refuse(reason, "link %u is none as this version keeps it", i);
        if (reg_check_link(&link, i, reason) != 0)
            return -1;
    }
    if (t.left != 0)
        return refuse(reason, "bytes behind the last link");
    return bytes <= LINTEL_REG_BYTES_MOST + 1
               ? 0
               : refuse(reason, "links of more than %d bytes", LINTEL_REG_BYTES_MOST);
}
