/* SPDX-License-Identifier: Apache-2.0
 * Conditions of an observation, as written in a query: draft-ietf-core-conditional-attributes-12,
 * section 3. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/engine/subscribe.h"

#define MILLISECOND INT64_C(1000000)
#define RESOLUTION (100 * MILLISECOND) /* periods are rounded up to it, as section 3.4 allows */
#define PERIOD_MOST 1e8                /* seconds; a little over three years */
enum { NUMBER_MOST = 64 };
enum { NUMERIC = LINTEL_C_GT | LINTEL_C_LT | LINTEL_C_ST | LINTEL_C_BAND };

enum kind { KIND_NUMBER, KIND_STEP, KIND_NOTHING, KIND_BOOL, KIND_PERIOD };
struct row {
    const char *name;
    uint32_t bit;
    enum kind kind;
    size_t at; /* of the member that takes the value */
};
#define AT(member) offsetof(struct lintel_conditions, member)
static const struct row rows[] = {
    {"gt", LINTEL_C_GT, KIND_NUMBER, AT(gt)},
    {"lt", LINTEL_C_LT, KIND_NUMBER, AT(lt)},
    {"st", LINTEL_C_ST, KIND_STEP, AT(st)},
    {"band", LINTEL_C_BAND, KIND_NOTHING, 0},
    {"edge", LINTEL_C_EDGE, KIND_BOOL, AT(edge)},
    {"pmin", LINTEL_C_PMIN, KIND_PERIOD, AT(pmin)},
    {"pmax", LINTEL_C_PMAX, KIND_PERIOD, AT(pmax)},
    {"epmin", LINTEL_C_EPMIN, KIND_PERIOD, AT(epmin)},
    {"epmax", LINTEL_C_EPMAX, KIND_PERIOD, AT(epmax)},
    {"con", LINTEL_C_CON, KIND_BOOL, AT(con)},
};
static const char *const names[] = {"gt",   "lt",    "st",    "band", "edge", "pmin",
                                    "pmax", "epmin", "epmax", "con",  NULL};

static int
refuse(char *reason, const char *name, const char *what)
{
    lintel_format(reason, LINTEL_REASON, "c.%s %s", name, what);
    return -1;
}

static size_t
count_digits(const char *s, size_t n)
{
    size_t k = 0;
    while (k < n && s[k] >= '0' && s[k] <= '9')
        k++;
    return k;
}

/* xs:decimal: a sign, digits, a point, digits; no exponent. "+5", "5.", ".5" and "007" are numbers
 * too. */
static int
parse_decimal(const char *s, size_t n, double *ret)
{
    char json[NUMBER_MOST + 4];
    size_t k = 0;
    if (n > NUMBER_MOST)
        return 0;
    if (n > 0 && (*s == '-' || *s == '+')) {
        if (*s == '-')
            json[k++] = '-';
        s++;
        n--;
    }
    size_t whole = count_digits(s, n);
    int point = whole < n && s[whole] == '.';
    size_t fraction = point ? count_digits(s + whole + 1, n - whole - 1) : 0;
    if (whole + fraction == 0 || whole + (size_t)point + fraction != n)
        return 0;
    size_t zeros = 0;
    while (zeros < whole && s[zeros] == '0')
        zeros++;
    if (zeros == whole)
        json[k++] = '0';
    memcpy(json + k, s + zeros, whole - zeros);
    k += whole - zeros;
    if (fraction > 0) {
        json[k++] = '.';
        memcpy(json + k, s + whole + 1, fraction);
        k += fraction;
    }
    return lintel_parse_real(json, k, ret);
}

static int
parse_bool(const char *s, size_t n, int *ret)
{
    struct lintel_str text = {s, n};
    int yes = lintel_str_eq(text, "1") || lintel_str_eq(text, "true");
    if (!yes && !lintel_str_eq(text, "0") && !lintel_str_eq(text, "false"))
        return 0;
    *ret = yes;
    return 1;
}

static int
take(struct lintel_conditions *c, const struct row *row, const char *value, size_t n, int has_value,
     char *reason)
{
    char *at = (char *)c + row->at;
    double number = 0;
    if (row->kind == KIND_NOTHING)
        return has_value ? refuse(reason, row->name, "takes no value") : 0;
    if (row->kind == KIND_BOOL)
        return has_value && parse_bool(value, n, (int *)(void *)at)
                   ? 0
                   : refuse(reason, row->name, "needs 0, 1, false or true");
    if (!has_value || !parse_decimal(value, n, &number))
        return refuse(reason, row->name,
                      row->kind == KIND_PERIOD ? "needs a number of seconds, like 2.5"
                                               : "needs a decimal number, like 21.5");
    if (row->kind != KIND_NUMBER && !(number > 0))
        return refuse(reason, row->name, "must be greater than 0");
    if (row->kind != KIND_PERIOD) {
        *(double *)(void *)at = number;
        return 0;
    }
    if (number > PERIOD_MOST)
        return refuse(reason, row->name, "is longer than 100000000 s");
    double steps = ceil(number * (1e9 / (double)RESOLUTION) - 1e-9);
    *(int64_t *)(void *)at = (steps < 1 ? 1 : (int64_t)steps) * RESOLUTION;
    return 0;
}

int
lintel_conditions_parse(struct lintel_conditions *c, const char *arg, size_t n,
                        char reason[LINTEL_REASON])
{
    if (n < 2 || arg[0] != 'c' || arg[1] != '.')
        return 0;
    const char *name = arg + 2, *equals = memchr(name, '=', n - 2);
    struct lintel_str key = {name, equals != NULL ? (size_t)(equals - name) : n - 2};
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        if (!lintel_str_eq(key, rows[i].name))
            continue;
        if (c->given & rows[i].bit)
            return refuse(reason, rows[i].name, "is given twice");
        const char *value = equals != NULL ? equals + 1 : "";
        size_t length = equals != NULL ? n - (size_t)(value - arg) : 0;
        if (take(c, &rows[i], value, length, equals != NULL, reason) != 0)
            return -1;
        c->given |= rows[i].bit;
        return 1;
    }
    char word[16];
    lintel_format(word, sizeof word, "%.*s", key.n < 15 ? (int)key.n : 15, key.p);
    word[lintel_utf8_valid(word, strlen(word))] = '\0';
    const char *near = lintel_nearest(word, names);
    lintel_format(reason, LINTEL_REASON, "there is no condition c.%s%s%s%s", word,
                  near != NULL ? " (did you mean c." : "", near != NULL ? near : "",
                  near != NULL ? "?)" : "");
    return -1;
}

static int
is_numeric(const struct lintel_data *d)
{
    return d->kind == LINTEL_DATA_NUMBER || d->kind == LINTEL_DATA_INTEGER ||
           d->kind == LINTEL_DATA_ANY;
}

int
lintel_conditions_check(const struct lintel_conditions *c, const struct lintel_data *data,
                        char reason[LINTEL_REASON])
{
    uint32_t given = c->given;
    reason[0] = '\0';
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++)
        if (given & rows[i].bit & NUMERIC && (data == NULL || !is_numeric(data)))
            return refuse(reason, rows[i].name, "needs a number, and this is none");
    if (given & LINTEL_C_EDGE &&
        (data == NULL || (data->kind != LINTEL_DATA_BOOLEAN && data->kind != LINTEL_DATA_ANY)))
        return refuse(reason, "edge", "needs a boolean, and this is none");
    if (given & LINTEL_C_BAND && !(given & (LINTEL_C_GT | LINTEL_C_LT)))
        return refuse(reason, "band", "needs c.gt, c.lt or both");
    if (given & LINTEL_C_BAND && given & LINTEL_C_GT && given & LINTEL_C_LT && !(c->gt < c->lt) &&
        !(c->gt > c->lt))
        return refuse(reason, "band", "needs c.gt and c.lt to differ");
    if (given & LINTEL_C_PMIN && given & LINTEL_C_PMAX && c->pmax < c->pmin)
        return refuse(reason, "pmax", "must not be less than c.pmin");
    if (given & LINTEL_C_EPMIN && given & LINTEL_C_EPMAX && c->epmax <= c->epmin)
        return refuse(reason, "epmax", "must be greater than c.epmin");
    return 0;
}
