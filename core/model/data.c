/* SPDX-License-Identifier: Apache-2.0
 * Judging values. Each judgement has a budget of steps, so that no model and no value makes it
 * long. */
#include "core/model/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/num.h"

enum { STEPS_MOST = 200000, SHOWN = 40 };

struct judge {
    char *reason; /* NULL: nobody wants it */
    uint32_t steps;
};

static void say(struct judge *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct judge *j, const char *format, ...)
{
    if (j->reason == NULL)
        return;
    va_list args;
    va_start(args, format);
    struct lintel_buf text = {0};
    lintel_buf_addv(&text, format, args);
    va_end(args);
    (void)lintel_copy(j->reason, LINTEL_REASON, lintel_buf_str(&text));
    lintel_buf_fini(&text);
}

static int
step(struct judge *j)
{
    if (j->steps == 0)
        return 0;
    j->steps--;
    return 1;
}

/* A short text of a value, for messages. */
static const char *
show(const lintel_value *v, char out[SHOWN])
{
    char number[LINTEL_REAL_TEXT];
    switch (v->type) {
    case LINTEL_T_NULL: return "null";
    case LINTEL_T_BOOL: return v->as.i ? "true" : "false";
    case LINTEL_T_INT: lintel_format(out, SHOWN, "%lld", (long long)v->as.i); return out;
    case LINTEL_T_UINT: lintel_format(out, SHOWN, "%llu", (unsigned long long)v->as.u); return out;
    case LINTEL_T_REAL:
        lintel_print_real(number, v->as.r);
        lintel_format(out, SHOWN, "%s", number);
        return out;
    case LINTEL_T_STR: {
        /* Cut at a character's border, with an ellipsis. */
        char text[SHOWN - 8];
        int whole = lintel_copy(text, sizeof text, v->as.s) && strlen(v->as.s) == v->len;
        lintel_format(out, SHOWN, "\"%s%s\"", text, whole ? "" : "...");
        return out;
    }
    case LINTEL_T_BYTES: lintel_format(out, SHOWN, "%u bytes", (unsigned)v->len); return out;
    case LINTEL_T_LIST: return "a list";
    case LINTEL_T_MAP: return "a map";
    default: return "a value of unknown type";
    }
}

int
lintel_value_number(const lintel_value *v, double *ret)
{
    double number;
    switch (v->type) {
    case LINTEL_T_INT: number = (double)v->as.i; break;
    case LINTEL_T_UINT: number = (double)v->as.u; break;
    case LINTEL_T_REAL: number = v->as.r; break;
    default: return 0;
    }
    if (ret != NULL)
        *ret = number;
    return 1;
}

static int
is_number(const lintel_value *v)
{
    double number;
    return lintel_value_number(v, &number) && isfinite(number);
}

/* -1, 0, 1: a number against a limit, without losing digits of large integers. */
static int
compare_real(const lintel_value *v, double limit)
{
    if (v->type == LINTEL_T_REAL)
        return (v->as.r > limit) - (v->as.r < limit);
    if (limit >= 18446744073709551616.0 ||
        (v->type == LINTEL_T_INT && limit >= 9223372036854775808.0))
        return -1;
    if (limit < -9223372036854775808.0 || (v->type == LINTEL_T_UINT && limit < 0))
        return 1;
    double whole = floor(limit);
    int fraction = whole != limit;
    if (v->type == LINTEL_T_UINT) {
        uint64_t l = (uint64_t)whole;
        return v->as.u > l ? 1 : v->as.u < l ? -1 : -fraction;
    }
    int64_t l = (int64_t)whole;
    return v->as.i > l ? 1 : v->as.i < l ? -1 : -fraction;
}

static double
as_real(const lintel_value *v)
{
    return v->type == LINTEL_T_REAL   ? v->as.r
           : v->type == LINTEL_T_UINT ? (double)v->as.u
                                      : (double)v->as.i;
}

static int
is_multiple(const lintel_value *v, double of)
{
    if (v->type == LINTEL_T_INT && of == rint(of) && of < 9e15)
        return v->as.i % (int64_t)of == 0;
    if (v->type == LINTEL_T_UINT && of == rint(of) && of < 9e15)
        return v->as.u % (uint64_t)of == 0;
    /* 0.3 is a multiple of 0.1, though not of the doubles next to them. */
    double quotient = as_real(v) / of;
    return fabs(quotient - rint(quotient)) <= 1e-9 * fmax(1, fabs(quotient));
}

static int
same_bytes(const void *a, uint32_t na, const void *b, uint32_t nb)
{
    return na == nb && (na == 0 || memcmp(a, b, na) == 0);
}

static int equal(struct judge *j, const lintel_value *a, const lintel_value *b);

/* In any order. */
static int
same_members(struct judge *j, const lintel_value *a, const lintel_value *b)
{
    for (uint32_t i = 0; i < a->len; i++) {
        uint32_t k = 0;
        while (k < b->len && step(j) && strcmp(a->as.map[i].name, b->as.map[k].name) != 0)
            k++;
        if (k == b->len || j->steps == 0 || !equal(j, &a->as.map[i].value, &b->as.map[k].value))
            return 0;
    }
    return a->len == b->len;
}

/* Numbers of any type by their value. */
static int
equal(struct judge *j, const lintel_value *a, const lintel_value *b)
{
    if (!step(j))
        return 0;
    if (is_number(a) && is_number(b)) {
        if (b->type == LINTEL_T_REAL)
            return compare_real(a, b->as.r) == 0;
        if (a->type == LINTEL_T_REAL)
            return compare_real(b, a->as.r) == 0;
        return a->as.i == b->as.i && (a->type == b->type || a->as.i >= 0);
    }
    if (a->type != b->type)
        return 0;
    switch (a->type) {
    case LINTEL_T_BOOL: return !a->as.i == !b->as.i;
    case LINTEL_T_STR: return same_bytes(a->as.s, a->len, b->as.s, b->len);
    case LINTEL_T_BYTES: return same_bytes(a->as.p, a->len, b->as.p, b->len);
    case LINTEL_T_LIST:
        for (uint32_t i = 0; i < a->len && i < b->len; i++)
            if (!equal(j, &a->as.list[i], &b->as.list[i]))
                return 0;
        return a->len == b->len;
    case LINTEL_T_MAP: return same_members(j, a, b);
    default: return 1;
    }
}

/* ---- numbers ---- */

static enum lintel_fit
fit_number(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN], limit[LINTEL_REAL_TEXT];
    if (!is_number(v)) {
        say(j, "%s is not %s", show(v, shown),
            d->kind == LINTEL_DATA_INTEGER ? "an integer" : "a number");
        return LINTEL_FIT_TYPE;
    }
    if (d->kind == LINTEL_DATA_INTEGER && v->type == LINTEL_T_REAL && v->as.r != rint(v->as.r)) {
        say(j, "%s is not an integer", show(v, shown));
        return LINTEL_FIT_TYPE;
    }
    if ((d->flags & LINTEL_DATA_MIN) != 0) {
        int c = compare_real(v, d->min);
        if (c < 0 || (c == 0 && (d->flags & LINTEL_DATA_EXCLUSIVE_MIN) != 0)) {
            lintel_print_real(limit, d->min);
            say(j, c < 0 ? "%s is below the minimum of %s" : "%s must be above %s", show(v, shown),
                limit);
            return LINTEL_FIT_RANGE;
        }
    }
    if ((d->flags & LINTEL_DATA_MAX) != 0) {
        int c = compare_real(v, d->max);
        if (c > 0 || (c == 0 && (d->flags & LINTEL_DATA_EXCLUSIVE_MAX) != 0)) {
            lintel_print_real(limit, d->max);
            say(j, c > 0 ? "%s is above the maximum of %s" : "%s must be below %s", show(v, shown),
                limit);
            return LINTEL_FIT_RANGE;
        }
    }
    if ((d->flags & LINTEL_DATA_MULTIPLE) != 0 && !is_multiple(v, d->multiple)) {
        lintel_print_real(limit, d->multiple);
        say(j, "%s is not a multiple of %s", show(v, shown), limit);
        return LINTEL_FIT_RANGE;
    }
    return LINTEL_FIT_OK;
}

/* ---- texts ---- */

/* Matches text with a picture: 0 stands for a digit, x for a hexadecimal one. Returns the length,
 * or 0. */
static size_t
match_picture(const char *s, size_t n, const char *picture)
{
    size_t i = 0;
    for (; picture[i] != '\0'; i++) {
        char c = i < n ? s[i] : '\0';
        int digit = c >= '0' && c <= '9';
        int hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (picture[i] == '0' ? !digit : picture[i] == 'x' ? !hex : c != picture[i])
            return 0;
    }
    return i;
}

static unsigned
two_digits(const char *s)
{
    return (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
}

/* RFC 3339 full-date at s; its length or 0. */
static size_t
match_date(const char *s, size_t n)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t length = match_picture(s, n, "0000-00-00");
    if (length == 0)
        return 0;
    unsigned year = two_digits(s) * 100 + two_digits(s + 2), month = two_digits(s + 5);
    unsigned day = two_digits(s + 8);
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return 0;
    return length;
}

/* RFC 3339 full-time at s; its length or 0. */
static size_t
match_time(const char *s, size_t n)
{
    size_t at = match_picture(s, n, "00:00:00");
    if (at == 0 || two_digits(s) > 23 || two_digits(s + 3) > 59 || two_digits(s + 6) > 60)
        return 0;
    if (at < n && s[at] == '.') {
        size_t from = ++at;
        while (at < n && s[at] >= '0' && s[at] <= '9')
            at++;
        if (at == from)
            return 0;
    }
    if (at < n && (s[at] == 'Z' || s[at] == 'z'))
        return at + 1;
    if (at < n && (s[at] == '+' || s[at] == '-') &&
        match_picture(s + at + 1, n - at - 1, "00:00") && two_digits(s + at + 1) <= 23 &&
        two_digits(s + at + 4) <= 59)
        return at + 6;
    return 0;
}

/* Characters of RFC 3986, percent signs with their digits; `scheme`: one must stand in front. */
static int
is_uri(const char *s, size_t n, int scheme)
{
    size_t i = 0;
    if (scheme) {
        while (i < n && ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
                         (i > 0 && ((s[i] >= '0' && s[i] <= '9') || strchr("+-.", s[i]) != NULL))))
            i++;
        if (i == 0 || i == n || s[i] != ':')
            return 0;
    }
    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= ' ' || c >= 127 || strchr("\"<>\\^`{|}", c) != NULL)
            return 0;
        if (c == '%' && !match_picture(s + i + 1, n - i - 1, "xx"))
            return 0;
    }
    return 1;
}

static int
fits_format(const char *format, const char *s, size_t n)
{
    size_t date;
    if (strcmp(format, "date") == 0)
        return n != 0 && match_date(s, n) == n;
    if (strcmp(format, "time") == 0)
        return n != 0 && match_time(s, n) == n;
    if (strcmp(format, "date-time") == 0)
        return (date = match_date(s, n)) != 0 && date < n && strchr("Tt ", s[date]) != NULL &&
               match_time(s + date + 1, n - date - 1) == n - date - 1 && n > date + 1;
    if (strcmp(format, "uuid") == 0)
        return n == 36 && match_picture(s, n, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") == n;
    if (strcmp(format, "uri") == 0)
        return is_uri(s, n, 1);
    if (strcmp(format, "uri-reference") == 0)
        return is_uri(s, n, 0);
    return 1; /* one that nobody knows is not judged */
}

/* max_length counts only where it is given. */
static enum lintel_fit
fit_length(struct judge *j, const struct lintel_data *d, size_t length, const char *what)
{
    if (length < d->min_length) {
        say(j, "%zu %s are too few; at least %u", length, what, (unsigned)d->min_length);
        return LINTEL_FIT_RANGE;
    }
    if ((d->max_length != 0 || (d->flags & LINTEL_DATA_EMPTY) != 0) && length > d->max_length) {
        say(j, "%zu %s are too many; at most %u", length, what, (unsigned)d->max_length);
        return LINTEL_FIT_RANGE;
    }
    return LINTEL_FIT_OK;
}

static size_t
characters(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

static int
is_base64url(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z') ||
              (s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_'))
            return 0;
    return n % 4 != 1;
}

static enum lintel_fit
fit_bytes(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    if (v->type == LINTEL_T_BYTES)
        return fit_length(j, d, v->len, "bytes");
    if (v->type != LINTEL_T_STR || !is_base64url(v->as.s, v->len)) {
        say(j, "%s is no byte string (base64url without padding)", show(v, shown));
        return LINTEL_FIT_TYPE;
    }
    return fit_length(j, d, v->len / 4 * 3 + (v->len % 4 ? v->len % 4 - 1 : 0), "bytes");
}

static enum lintel_fit
fit_text(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    if ((d->flags & LINTEL_DATA_BYTES) != 0)
        return fit_bytes(j, d, v);
    if (v->type != LINTEL_T_STR) {
        say(j, "%s is not a text", show(v, shown));
        return LINTEL_FIT_TYPE;
    }
    enum lintel_fit fit = fit_length(j, d, characters(v->as.s, v->len), "characters");
    if (fit != LINTEL_FIT_OK)
        return fit;
    if (d->format != NULL && !fits_format(d->format, v->as.s, v->len)) {
        say(j, "%s is no %s", show(v, shown), d->format);
        return LINTEL_FIT_RANGE;
    }
    if (d->pattern_program != NULL &&
        !lintel_regexp_search(d->pattern_program, v->as.s, v->len, NULL)) {
        say(j, "%s does not match %s", show(v, shown), d->pattern);
        return LINTEL_FIT_RANGE;
    }
    return LINTEL_FIT_OK;
}

/* ---- structures ---- */

static enum lintel_fit fit_value(struct judge *j, const struct lintel_data *d,
                                 const lintel_value *v);

/* Each against each: a long list uses up its steps, and is refused for that. */
static int
has_twins(struct judge *j, const lintel_value *list)
{
    for (uint32_t i = 1; i < list->len; i++)
        for (uint32_t k = 0; k < i && j->steps != 0; k++)
            if (equal(j, &list->as.list[i], &list->as.list[k]))
                return 1;
    return 0;
}

static enum lintel_fit
fit_list(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    if (v->type != LINTEL_T_LIST) {
        say(j, "%s is not a list", show(v, shown));
        return LINTEL_FIT_TYPE;
    }
    enum lintel_fit fit = fit_length(j, d, v->len, "items");
    for (uint32_t i = 0; fit == LINTEL_FIT_OK && d->items != NULL && i < v->len; i++)
        fit = fit_value(j, d->items, &v->as.list[i]);
    if (fit == LINTEL_FIT_OK && (d->flags & LINTEL_DATA_UNIQUE) != 0 && has_twins(j, v)) {
        say(j, "an item stands twice in the list");
        return LINTEL_FIT_RANGE;
    }
    return fit;
}

static const struct lintel_data_member *
find_member(struct judge *j, const struct lintel_data *d, const char *name)
{
    for (uint32_t i = 0; i < d->nmembers && step(j); i++)
        if (strcmp(d->members[i].name, name) == 0)
            return &d->members[i];
    return NULL;
}

static int
has_member(struct judge *j, const lintel_value *map, const char *name)
{
    for (uint32_t i = 0; i < map->len && step(j); i++)
        if (strcmp(map->as.map[i].name, name) == 0)
            return 1;
    return 0;
}

static enum lintel_fit
fit_map(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    if (v->type != LINTEL_T_MAP) {
        say(j, "%s is not a map", show(v, shown));
        return LINTEL_FIT_TYPE;
    }
    for (uint32_t i = 0; i < d->nmembers; i++) {
        if (d->members[i].required && !has_member(j, v, d->members[i].name)) {
            say(j, "\"%s\" is missing", d->members[i].name);
            return LINTEL_FIT_TYPE;
        }
    }
    for (uint32_t i = 0; d->members != NULL && i < v->len; i++) {
        const struct lintel_data_member *m = find_member(j, d, v->as.map[i].name);
        if (m == NULL) {
            lintel_value name = {.type = LINTEL_T_STR, .as.s = v->as.map[i].name};
            name.len = (uint32_t)strlen(name.as.s);
            say(j, "there is no member %s", show(&name, shown));
            return LINTEL_FIT_TYPE;
        }
        enum lintel_fit fit = fit_value(j, m->data, &v->as.map[i].value);
        if (fit != LINTEL_FIT_OK)
            return fit;
    }
    return LINTEL_FIT_OK;
}

/* ---- choices ---- */

static void
say_choices(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    struct lintel_buf text = {.limit = LINTEL_REASON};
    if (j->reason == NULL)
        return;
    lintel_buf_addf(&text, "%s is none of ", show(v, shown));
    for (uint32_t i = 0; d->choices[i] != NULL && text.n < LINTEL_REASON - SHOWN; i++) {
        char value[SHOWN];
        int named = d->choice_values == NULL || d->choice_values[i].type == LINTEL_T_NULL;
        lintel_buf_addf(&text, "%s%s", i ? ", " : "",
                        named ? d->choices[i] : show(&d->choice_values[i], value));
    }
    (void)lintel_copy(j->reason, LINTEL_REASON, lintel_buf_str(&text));
    lintel_buf_fini(&text);
}

static enum lintel_fit
fit_choice(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    enum lintel_fit best = LINTEL_FIT_TYPE;
    if (d->choice_data == NULL && v->type == LINTEL_T_STR)
        best = LINTEL_FIT_RANGE;
    struct judge quiet = {NULL, j->steps};
    for (uint32_t i = 0; d->choices[i] != NULL && quiet.steps != 0; i++) {
        enum lintel_fit fit;
        quiet.steps--;
        if (d->choice_data != NULL)
            fit = fit_value(&quiet, &d->choice_data[i], v);
        else
            fit = v->type == LINTEL_T_STR && strlen(d->choices[i]) == v->len &&
                          memcmp(d->choices[i], v->as.s, v->len) == 0
                      ? LINTEL_FIT_OK
                      : best;
        if (fit == LINTEL_FIT_OK) {
            j->steps = quiet.steps;
            return LINTEL_FIT_OK;
        }
        if (fit == LINTEL_FIT_RANGE)
            best = LINTEL_FIT_RANGE;
    }
    j->steps = quiet.steps;
    say_choices(j, d, v);
    return best;
}

static enum lintel_fit
fit_value(struct judge *j, const struct lintel_data *d, const lintel_value *v)
{
    char shown[SHOWN];
    enum lintel_fit fit = LINTEL_FIT_OK;
    if (!step(j))
        return LINTEL_FIT_OK; /* the caller looks at steps */
    if (v->type == LINTEL_T_NULL && (d->flags & LINTEL_DATA_NULLABLE) != 0)
        return LINTEL_FIT_OK;
    if (d->choices != NULL)
        return fit_choice(j, d, v);
    switch (d->kind) {
    case LINTEL_DATA_ANY: break;
    case LINTEL_DATA_BOOLEAN:
        if (v->type != LINTEL_T_BOOL) {
            say(j, "%s is not true or false", show(v, shown));
            return LINTEL_FIT_TYPE;
        }
        break;
    case LINTEL_DATA_INTEGER:
    case LINTEL_DATA_NUMBER: fit = fit_number(j, d, v); break;
    case LINTEL_DATA_STRING: fit = fit_text(j, d, v); break;
    case LINTEL_DATA_ARRAY: fit = fit_list(j, d, v); break;
    case LINTEL_DATA_OBJECT: fit = fit_map(j, d, v); break;
    }
    if (fit == LINTEL_FIT_OK && d->constant != NULL && !equal(j, d->constant, v)) {
        char constant[SHOWN];
        say(j, "%s is not %s", show(v, shown), show(d->constant, constant));
        return LINTEL_FIT_RANGE;
    }
    return fit;
}

enum lintel_fit
lintel_data_fit(const struct lintel_data *d, const lintel_value *v, char reason[LINTEL_REASON])
{
    struct judge j = {reason, STEPS_MOST};
    if (reason != NULL)
        reason[0] = '\0';
    enum lintel_fit fit = fit_value(&j, d, v);
    if (j.steps == 0) {
        say(&j, "the value is too large to be checked");
        return LINTEL_FIT_RANGE;
    }
    return fit;
}

/* ---- describing ---- */

static const char *
kind_name(const struct lintel_data *d)
{
    if ((d->flags & LINTEL_DATA_BYTES) != 0)
        return "bytes";
    if ((d->flags & LINTEL_DATA_UNIX_TIME) != 0)
        return "time";
    switch (d->kind) {
    case LINTEL_DATA_BOOLEAN: return "boolean";
    case LINTEL_DATA_INTEGER: return "integer";
    case LINTEL_DATA_NUMBER: return "number";
    case LINTEL_DATA_STRING: return d->format != NULL ? d->format : "string";
    case LINTEL_DATA_ARRAY: return "array";
    case LINTEL_DATA_OBJECT: return "object";
    default: return "any";
    }
}

static void
describe_range(const struct lintel_data *d, struct lintel_buf *b)
{
    char low[LINTEL_REAL_TEXT], high[LINTEL_REAL_TEXT];
    lintel_print_real(low, d->min);
    lintel_print_real(high, d->max);
    const char *above = (d->flags & LINTEL_DATA_EXCLUSIVE_MIN) ? ">" : ">=";
    const char *below = (d->flags & LINTEL_DATA_EXCLUSIVE_MAX) ? "<" : "<=";
    uint32_t exclusive = d->flags & (LINTEL_DATA_EXCLUSIVE_MIN | LINTEL_DATA_EXCLUSIVE_MAX);
    uint32_t both = LINTEL_DATA_MIN | LINTEL_DATA_MAX;
    if ((d->flags & both) == both && !exclusive) {
        lintel_buf_addf(b, " %s .. %s", low, high);
        return;
    }
    if ((d->flags & LINTEL_DATA_MIN) != 0)
        lintel_buf_addf(b, " %s %s", above, low);
    if ((d->flags & LINTEL_DATA_MAX) != 0)
        lintel_buf_addf(b, " %s %s", below, high);
}

static void
describe_length(const struct lintel_data *d, struct lintel_buf *b, const char *what)
{
    if (d->max_length != 0 && d->min_length == d->max_length)
        lintel_buf_addf(b, ", %u %s", (unsigned)d->max_length, what);
    else if (d->max_length != 0 && d->min_length != 0)
        lintel_buf_addf(b, ", %u .. %u %s", (unsigned)d->min_length, (unsigned)d->max_length, what);
    else if (d->max_length != 0 || (d->flags & LINTEL_DATA_EMPTY) != 0)
        lintel_buf_addf(b, ", at most %u %s", (unsigned)d->max_length, what);
    else if (d->min_length != 0)
        lintel_buf_addf(b, ", at least %u %s", (unsigned)d->min_length, what);
}

static void
describe(const struct lintel_data *d, struct lintel_buf *b, unsigned depth)
{
    lintel_buf_adds(b, kind_name(d));
    if (d->kind == LINTEL_DATA_ARRAY) {
        if (d->items != NULL && depth < 4) {
            lintel_buf_adds(b, " of ");
            describe(d->items, b, depth + 1);
        }
        describe_length(d, b, "items");
    } else if (d->kind == LINTEL_DATA_OBJECT) {
        for (uint32_t i = 0; i < d->nmembers; i++)
            lintel_buf_addf(b, "%s%s", i ? ", " : " of ", d->members[i].name);
    } else if (d->choices != NULL) {
        for (uint32_t i = 0; d->choices[i] != NULL && b->n < 4096; i++)
            lintel_buf_addf(b, "%s%s", i ? "|" : " ", d->choices[i]);
    } else {
        describe_range(d, b);
        describe_length(d, b, (d->flags & LINTEL_DATA_BYTES) ? "bytes" : "characters");
    }
    if ((d->flags & LINTEL_DATA_MULTIPLE) != 0) {
        char multiple[LINTEL_REAL_TEXT];
        lintel_print_real(multiple, d->multiple);
        lintel_buf_addf(b, " in steps of %s", multiple);
    }
    if (d->unit != NULL)
        lintel_buf_addf(b, " %s", d->unit);
}

void
lintel_data_describe(const struct lintel_data *d, char *out, uint32_t size)
{
    struct lintel_buf text = {0};
    describe(d, &text, 0);
    (void)lintel_copy(out, size, lintel_buf_str(&text));
    lintel_buf_fini(&text);
}
