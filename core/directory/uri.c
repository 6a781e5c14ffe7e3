/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/uri.h"

#include <string.h>

#include "core/base/num.h"

static int
is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of "scheme:" without its colon; 0: the text begins with no scheme. */
static size_t
scheme_of(struct lintel_str text)
{
    if (text.n == 0 || !is_alpha(text.p[0]))
        return 0;
    for (size_t i = 1; i < text.n; i++) {
        char c = text.p[i];
        if (c == ':')
            return i;
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
            return 0;
    }
    return 0;
}

/* Cuts off what stands behind the first of c, if there is one. */
static void
cut(struct lintel_str *text, char c, struct lintel_str *ret)
{
    const char *at = text->n == 0 ? NULL : memchr(text->p, c, text->n);
    *ret = (struct lintel_str){NULL, 0};
    if (at == NULL)
        return;
    size_t before = (size_t)(at - text->p);
    *ret = (struct lintel_str){at + 1, text->n - before - 1};
    text->n = before;
}

void
lintel_uri_split(struct lintel_str text, struct lintel_uri *ret)
{
    *ret = (struct lintel_uri){0};
    cut(&text, '#', &ret->fragment);
    cut(&text, '?', &ret->query);
    size_t n = scheme_of(text);
    if (n != 0) {
        ret->scheme = (struct lintel_str){text.p, n};
        text = (struct lintel_str){text.p + n + 1, text.n - n - 1};
    }
    if (text.n >= 2 && text.p[0] == '/' && text.p[1] == '/') {
        ret->authority = (struct lintel_str){text.p + 2, 0};
        while (ret->authority.n < text.n - 2 && text.p[2 + ret->authority.n] != '/')
            ret->authority.n++;
        n = 2 + ret->authority.n;
        text = (struct lintel_str){text.p + n, text.n - n};
    }
    ret->path = text;
}

/* unreserved and reserved, as a set of ASCII. */
static int
is_plain(char c)
{
    static const uint64_t set[2] = {UINT64_C(0xafffffda00000000), UINT64_C(0x47fffffeafffffff)};
    return (unsigned char)c < 128 && (set[(unsigned char)c / 64] >> (unsigned char)c % 64 & 1);
}

int
lintel_uri_is_text(struct lintel_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!is_plain(text.p[i]) &&
            (text.p[i] != '%' || text.n - i < 3 || lintel_hex_digit(text.p[i + 1]) < 0 ||
             lintel_hex_digit(text.p[i + 2]) < 0))
            return 0;
    return 1;
}

struct lintel_str
lintel_uri_origin(struct lintel_str text)
{
    struct lintel_uri u;
    lintel_uri_split(text, &u);
    if (u.scheme.p == NULL || u.authority.p == NULL)
        return (struct lintel_str){text.p, 0};
    return (struct lintel_str){text.p, (size_t)(u.authority.p + u.authority.n - text.p)};
}

/* The length of "/segment" or "segment" at the front. */
static size_t
segment(struct lintel_str path)
{
    size_t n = 1;
    while (n < path.n && path.p[n] != '/')
        n++;
    return n;
}

static int
is_all(struct lintel_str path, size_t n, const char *text)
{
    return strlen(text) == n && memcmp(path.p, text, n) == 0;
}

void
lintel_uri_plain_path(struct lintel_buf *out, struct lintel_str path)
{
    size_t start = out->n;
    while (path.n != 0) {
        size_t n = segment(path);
        int more = n < path.n, up = is_all(path, n, "/..");
        if (is_all(path, n, ".") || is_all(path, n, "..")) {
            n += (size_t)more; /* the slash goes with it */
        } else if (up || is_all(path, n, "/.")) {
            while (up && out->n > start && out->p[--out->n] != '/')
                ;
            if (!more)
                lintel_buf_addc(out, '/');
        } else {
            lintel_buf_add(out, path.p, n);
        }
        path = (struct lintel_str){path.p + n, path.n - n};
    }
}

static void
add(struct lintel_buf *out, const char *before, struct lintel_str part, const char *after)
{
    if (part.p == NULL)
        return;
    lintel_buf_adds(out, before);
    lintel_buf_add(out, part.p, part.n);
    lintel_buf_adds(out, after);
}

/* Section 5.2.3, then 5.2.4. */
static void
merge(struct lintel_buf *out, const struct lintel_uri *base, struct lintel_str path)
{
    struct lintel_buf whole = {0};
    size_t n = base->path.n;
    while (n > 0 && base->path.p[n - 1] != '/')
        n--;
    if (base->authority.p != NULL && base->path.n == 0)
        lintel_buf_addc(&whole, '/');
    lintel_buf_add(&whole, base->path.p, n);
    lintel_buf_add(&whole, path.p, path.n);
    if (whole.failed)
        out->failed = 1;
    else
        lintel_uri_plain_path(out, (struct lintel_str){whole.p, whole.n});
    lintel_buf_fini(&whole);
}

void
lintel_uri_resolve(struct lintel_buf *out, struct lintel_str base, struct lintel_str ref)
{
    struct lintel_uri b, r;
    lintel_uri_split(base, &b);
    lintel_uri_split(ref, &r);
    int own = r.scheme.p != NULL || r.authority.p != NULL;
    add(out, "", r.scheme.p != NULL ? r.scheme : b.scheme, ":");
    add(out, "//", own ? r.authority : b.authority, "");
    if (own || (r.path.n != 0 && r.path.p[0] == '/'))
        lintel_uri_plain_path(out, r.path);
    else if (r.path.n != 0)
        merge(out, &b, r.path);
    else
        lintel_buf_add(out, b.path.p, b.path.n);
    add(out, "?", own || r.path.n != 0 || r.query.p != NULL ? r.query : b.query, "");
    add(out, "#", r.fragment, "");
}
