/* SPDX-License-Identifier: Apache-2.0 */
#include "core/directory/link.h"

void
lintel_link_init(struct lintel_link *l, struct lintel_str target)
{
    l->target = target;
    l->n = 0;
}

void
lintel_link_set(struct lintel_link *l, const char *name, struct lintel_str value)
{
    if (value.p != NULL && value.n != 0 && l->n < LINTEL_LINK_ATTRS_MOST)
        l->attrs[l->n++] = (struct lintel_link_attr){lintel_str(name), value};
}

void
lintel_link_flag(struct lintel_link *l, const char *name)
{
    if (l->n < LINTEL_LINK_ATTRS_MOST)
        l->attrs[l->n++] = (struct lintel_link_attr){lintel_str(name), {NULL, 0}};
}

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

int
lintel_link_same_name(struct lintel_str a, struct lintel_str b)
{
    if (a.n != b.n)
        return 0;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] && lower(a.p[i]) != lower(b.p[i]))
            return 0;
    return 1;
}

struct lintel_str
lintel_link_get(const struct lintel_link *l, const char *name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (lintel_link_is_name(l->attrs[i].name, name))
            return l->attrs[i].value;
    return (struct lintel_str){NULL, 0};
}

/* ---- writing --------------------------------------------------------------------------------- */

static int
is_number(struct lintel_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
    return s.n > 0 && (s.n == 1 || s.p[0] != '0');
}

/* Control characters can't stand in a quoted-string; a title keeps its words without them. */
static void
write_quoted(struct lintel_buf *b, struct lintel_str s)
{
    lintel_buf_addc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '"' || c == '\\')
            lintel_buf_addc(b, '\\');
        lintel_buf_addc(b, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
    }
    lintel_buf_addc(b, '"');
}

void
lintel_link_write_attr(struct lintel_buf *b, const struct lintel_link_attr *attr)
{
    lintel_buf_addc(b, ';');
    lintel_buf_add(b, attr->name.p, attr->name.n);
    if (attr->value.p == NULL)
        return;
    lintel_buf_addc(b, '=');
    if (is_number(attr->value))
        lintel_buf_add(b, attr->value.p, attr->value.n);
    else
        write_quoted(b, attr->value);
}

void
lintel_link_write(struct lintel_buf *b, const struct lintel_link *l)
{
    if (b->n != 0)
        lintel_buf_addc(b, ',');
    lintel_buf_addc(b, '<');
    lintel_buf_add(b, l->target.p, l->target.n);
    lintel_buf_addc(b, '>');
    for (uint32_t i = 0; i < l->n; i++)
        lintel_link_write_attr(b, &l->attrs[i]);
}

static int
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~!$&'()*+;=:@", c) != NULL);
}

void
lintel_link_segment(struct lintel_buf *b, const char *s, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    lintel_buf_addc(b, '/');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (is_unreserved(s[i])) {
            lintel_buf_addc(b, s[i]);
        } else {
            char text[3] = {'%', hex[c >> 4], hex[c & 15]};
            lintel_buf_add(b, text, sizeof text);
        }
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void
skip_blanks(struct lintel_link_reader *r)
{
    while (r->at < r->n && (r->p[r->at] == ' ' || r->p[r->at] == '\t' || r->p[r->at] == '\r' ||
                            r->p[r->at] == '\n'))
        r->at++;
}

static int
here(const struct lintel_link_reader *r, char c)
{
    return r->at < r->n && r->p[r->at] == c;
}

static int
fail(const char **reason, const char *text)
{
    *reason = text;
    return -1;
}

static int
read_target(struct lintel_link_reader *r, struct lintel_str *ret, const char **reason)
{
    if (!here(r, '<'))
        return fail(reason, "a link starts with '<'");
    size_t start = ++r->at;
    while (r->at < r->n && r->p[r->at] != '>') {
        unsigned char c = (unsigned char)r->p[r->at];
        if (c <= 0x20 || c == 0x7f || c == '<' || c == '"')
            return fail(reason, "a character that can't stand in a target");
        r->at++;
    }
    if (r->at == r->n)
        return fail(reason, "no '>' behind the target");
    if (r->at - start > LINTEL_LINK_TEXT_MOST)
        return fail(reason, "the target is too long");
    *ret = (struct lintel_str){r->p + start, r->at - start};
    r->at++;
    return 0;
}

/* A quoted-string; escapes are taken out into the arena. */
static int
read_quoted(struct lintel_link_reader *r, struct lintel_arena *a, struct lintel_str *ret,
            const char **reason)
{
    size_t start = ++r->at, escapes = 0;
    while (r->at < r->n && r->p[r->at] != '"') {
        if (r->p[r->at] == '\\') {
            escapes++;
            r->at++;
        }
        if (r->at < r->n && r->p[r->at] == '\0')
            return fail(reason, "a NUL in a value");
        r->at++;
    }
    if (r->at >= r->n) {
        r->at = r->n;
        return fail(reason, "no closing quote");
    }
    size_t n = r->at - start;
    if (n > LINTEL_LINK_TEXT_MOST)
        return fail(reason, "a value is too long");
    *ret = (struct lintel_str){r->p + start, n};
    r->at++;
    if (escapes == 0)
        return 0;
    char *plain = lintel_arena_alloc(a, n + 1);
    if (plain == NULL)
        return fail(reason, "out of memory");
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (ret->p[i] == '\\')
            i++;
        plain[m++] = ret->p[i];
    }
    *ret = (struct lintel_str){plain, m};
    return 0;
}

/* A set of ASCII. */
static int
is_in(const uint64_t set[2], char c)
{
    return (unsigned char)c < 128 && (set[(unsigned char)c / 64] >> (unsigned char)c % 64 & 1);
}

/* ptoken of RFC 6690 section 2: visible ASCII but for '"' ',' ';' '<' '>' '\\'. */
static int
is_ptoken(char c)
{
    static const uint64_t set[2] = {UINT64_C(0xa7ffeffa00000000), UINT64_C(0x7fffffffefffffff)};
    return is_in(set, c);
}

static int
read_value(struct lintel_link_reader *r, struct lintel_arena *a, struct lintel_str *ret,
           const char **reason)
{
    if (here(r, '"'))
        return read_quoted(r, a, ret, reason);
    size_t start = r->at;
    while (r->at < r->n && is_ptoken(r->p[r->at]))
        r->at++;
    if (r->at == start)
        return fail(reason, "no value behind '='");
    if (r->at - start > LINTEL_LINK_TEXT_MOST)
        return fail(reason, "a value is too long");
    *ret = (struct lintel_str){r->p + start, r->at - start};
    return 0;
}

/* parmname of RFC 5987, with the '*' of extended ones: letters, digits, !#$&+-.^_`|~* */
static int
is_name(char c)
{
    static const uint64_t set[2] = {UINT64_C(0x03ff6c5a00000000), UINT64_C(0x57ffffffc7fffffe)};
    return is_in(set, c);
}

int
lintel_link_is_parmname(struct lintel_str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!is_name(name.p[i]))
            return 0;
    return name.n != 0 && name.n <= LINTEL_LINK_NAME_MOST;
}

int
lintel_link_is_ptoken(struct lintel_str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (!is_ptoken(value.p[i]))
            return 0;
    return value.n != 0 && value.n <= LINTEL_LINK_TEXT_MOST;
}

/* In their order, so that most names are told apart by a letter. */
uint32_t
lintel_link_stands_once(struct lintel_str name)
{
    static const struct lintel_str once[] = {
        {"anchor", 6}, {"ct", 2}, {"hct", 3}, {"if", 2},    {"media", 5},  {"obs", 3}, {"rel", 3},
        {"rev", 3},    {"rt", 2}, {"sz", 2},  {"title", 5}, {"title*", 6}, {"type", 4}};
    char first = name.n == 0 ? '\0' : lower(name.p[0]);
    for (size_t i = 0; i < LINTEL_COUNT(once) && once[i].p[0] <= first; i++)
        if (once[i].p[0] == first && once[i].n == name.n && lintel_link_same_name(name, once[i]))
            return 1u << i;
    return 0;
}

static int
has(const struct lintel_link *l, struct lintel_str name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (lintel_link_same_name(l->attrs[i].name, name))
            return 1;
    return 0;
}

static int
read_attr(struct lintel_link_reader *r, struct lintel_arena *a, struct lintel_link *l,
          const char **reason)
{
    struct lintel_link_attr attr = {{r->p + r->at, 0}, {NULL, 0}};
    while (r->at < r->n && is_name(r->p[r->at])) {
        r->at++;
        attr.name.n++;
    }
    if (attr.name.n == 0)
        return fail(reason, "no attribute behind ';'");
    if (attr.name.n > LINTEL_LINK_NAME_MOST)
        return fail(reason, "the name of an attribute is too long");
    skip_blanks(r);
    if (here(r, '=')) {
        r->at++;
        skip_blanks(r);
        if (read_value(r, a, &attr.value, reason) != 0)
            return -1;
    }
    if (lintel_link_stands_once(attr.name) && has(l, attr.name))
        return 0;
    if (l->n == LINTEL_LINK_ATTRS_MOST)
        return fail(reason, "a link has too many attributes");
    l->attrs[l->n++] = attr;
    return 0;
}

int
lintel_link_next(struct lintel_link_reader *r, struct lintel_arena *a, struct lintel_link *ret,
                 const char **reason)
{
    skip_blanks(r);
    if (r->at == r->n)
        return 0;
    ret->n = 0;
    if (read_target(r, &ret->target, reason) != 0)
        return -1;
    for (skip_blanks(r); here(r, ';'); skip_blanks(r)) {
        r->at++;
        skip_blanks(r);
        if (read_attr(r, a, ret, reason) != 0)
            return -1;
    }
    if (r->at == r->n)
        return 1;
    if (!here(r, ','))
        return fail(reason, "',' or ';' is expected behind a link");
    r->at++;
    skip_blanks(r);
    return r->at == r->n ? fail(reason, "no link behind the last ','") : 1;
}

/* ---- filter ---------------------------------------------------------------------------------- */

int
lintel_link_is_list(struct lintel_str name)
{
    char text[3] = "";
    if (name.n != 2 && name.n != 3)
        return 0;
    for (size_t i = 0; i < name.n; i++)
        text[i] = lower(name.p[i]);
    return name.n == 2 ? memcmp(text, "rt", 2) == 0 || memcmp(text, "if", 2) == 0 ||
                             memcmp(text, "ct", 2) == 0
                       : memcmp(text, "rel", 3) == 0 || memcmp(text, "rev", 3) == 0;
}

void
lintel_link_criterion_read(lintel_span arg, struct lintel_link_criterion *ret)
{
    const char *equals = arg.n == 0 ? NULL : memchr(arg.p, '=', arg.n);
    *ret = (struct lintel_link_criterion){
        .name = {arg.p, equals == NULL ? arg.n : (size_t)(equals - (const char *)arg.p)},
        .want = {"", 0},
        .bare = equals == NULL};
    if (ret->bare)
        return;
    ret->want = (struct lintel_str){equals + 1, arg.n - ret->name.n - 1};
    ret->prefix = ret->want.n > 0 && ret->want.p[ret->want.n - 1] == '*';
    ret->want.n -= (size_t)ret->prefix;
}

int
lintel_link_text_matches(const struct lintel_link_criterion *c, struct lintel_str text)
{
    return (c->prefix ? text.n >= c->want.n : text.n == c->want.n) &&
           (c->want.n == 0 || memcmp(text.p, c->want.p, c->want.n) == 0);
}

static int
word_matches(const struct lintel_link_criterion *c, struct lintel_str list)
{
    for (size_t i = 0; i < list.n;) {
        size_t end = i;
        while (end < list.n && list.p[end] != ' ')
            end++;
        if (end > i && lintel_link_text_matches(c, (struct lintel_str){list.p + i, end - i}))
            return 1;
        i = end + 1;
    }
    return 0;
}

int
lintel_link_attr_matches(const struct lintel_link_criterion *c, struct lintel_str name,
                         struct lintel_str value)
{
    return lintel_link_same_name(name, c->name) &&
           (c->bare || lintel_link_text_matches(c, value) ||
            (lintel_link_is_list(name) && word_matches(c, value)));
}

static int
meets(const struct lintel_link *l, lintel_span arg)
{
    struct lintel_link_criterion c;
    lintel_link_criterion_read(arg, &c);
    if (c.name.n == 0)
        return arg.n == 0; /* an empty argument asks nothing; "=x" asks what no link has */
    if (lintel_link_is_name(c.name, "href"))
        return c.bare || lintel_link_text_matches(&c, l->target);
    for (uint32_t i = 0; i < l->n; i++)
        if (lintel_link_attr_matches(&c, l->attrs[i].name, l->attrs[i].value))
            return 1;
    return 0;
}

int
lintel_link_matches(const struct lintel_link *l, const lintel_span *query, uint32_t nquery)
{
    for (uint32_t i = 0; i < nquery; i++)
        if (!meets(l, query[i]))
            return 0;
    return 1;
}
