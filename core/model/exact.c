/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide_bits;

enum {
    TENS_REAL = 22, /* the largest power of ten that a double holds exactly */
    TENS_WIDE = 38  /* ... and a lintel_wide */
};
static const double tens[TENS_REAL + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const int64_t EXACT_IN_DOUBLE = (int64_t)1 << 53;
static const int64_t SMALL = (int64_t)1 << 31;
static const int64_t small_tens[] = {1, 10, 100, 1000}; /* what lintel_few_digits tries first */
enum { SMALL_TENS = 3 };

/* Never a result, so that every number here can be negated. */
#define WIDE_MIN ((lintel_wide)((wide_bits)1 << 127))

static int
wide_mul(lintel_wide a, lintel_wide b, lintel_wide *ret)
{
    return !__builtin_mul_overflow(a, b, ret) && *ret != WIDE_MIN;
}

static int
wide_add(lintel_wide a, lintel_wide b, lintel_wide *ret)
{
    return !__builtin_add_overflow(a, b, ret) && *ret != WIDE_MIN;
}

static int
wide_ten(uint32_t power, lintel_wide *ret)
{
    if (power > TENS_WIDE)
        return 0;
    uint64_t low = 1;
    for (uint32_t i = power < 19 ? power : 19; i > 0; i--)
        low *= 10;
    lintel_wide all = (lintel_wide)low;
    for (uint32_t i = 19; i < power; i++)
        all *= 10;
    *ret = all;
    return 1;
}

static lintel_wide
wide_gcd(lintel_wide a, lintel_wide b)
{
    if (a < 0)
        a = -a;
    if (b < 0)
        b = -b;
    while (b != 0) {
        lintel_wide rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* ---- folding --------------------------------------------------------------------------------- */

static int
decimal_ratio(struct lintel_decimal d, struct lintel_ratio *ret)
{
    lintel_wide ten;
    ret->num = d.digits;
    ret->den = 1;
    if (!wide_ten((uint32_t)abs(d.exponent), &ten))
        return 0;
    if (d.exponent >= 0)
        return wide_mul(ret->num, ten, &ret->num);
    ret->den = ten;
    return 1;
}

static int
ratio_reduce(struct lintel_ratio *r)
{
    lintel_wide g = wide_gcd(r->num, r->den);
    if (g > 1) {
        r->num /= g;
        r->den /= g;
    }
    return 1;
}

static int
ratio_mul(struct lintel_ratio a, struct lintel_ratio b, struct lintel_ratio *ret)
{
    return ratio_reduce(&a) && wide_mul(a.num, b.num, &ret->num) &&
           wide_mul(a.den, b.den, &ret->den) && ratio_reduce(ret);
}

static int
ratio_add(struct lintel_ratio a, struct lintel_ratio b, struct lintel_ratio *ret)
{
    lintel_wide left, right;
    return ratio_reduce(&a) && ratio_reduce(&b) && wide_mul(a.num, b.den, &left) &&
           wide_mul(b.num, a.den, &right) && wide_add(left, right, &ret->num) &&
           wide_mul(a.den, b.den, &ret->den) && ratio_reduce(ret);
}

static int
fold(struct lintel_decimal scale, struct lintel_decimal offset, const struct lintel_linear *unit,
     struct lintel_exact *ret)
{
    struct lintel_ratio s, o;
    if (!decimal_ratio(scale, &s) || !decimal_ratio(offset, &o))
        return 0;
    ratio_reduce(&s);
    ratio_reduce(&o);
    if (unit != NULL) {
        struct lintel_ratio by = {unit->num, unit->den},
                            plus = {unit->offset_num, unit->offset_den};
        ratio_reduce(&by);
        if (!ratio_mul(s, by, &s) || !ratio_mul(o, by, &o) || !ratio_add(o, plus, &o))
            return 0;
    }
    /* One denominator for both. */
    lintel_wide g = wide_gcd(s.den, o.den), den;
    if (!wide_mul(s.den / g, o.den, &den) || !wide_mul(s.num, den / s.den, &ret->num) ||
        !wide_mul(o.num, den / o.den, &ret->off))
        return 0;
    ret->den = den;
    return 1;
}

static long double
decimal_rounded(struct lintel_decimal d)
{
    long double ten = powl(10, abs(d.exponent));
    return d.exponent < 0 ? (long double)d.digits / ten : (long double)d.digits * ten;
}

int
lintel_exact_make(struct lintel_decimal scale, struct lintel_decimal offset,
                  const struct lintel_linear *unit, struct lintel_exact *ret)
{
    if (scale.digits == 0 || (unit != NULL && unit->num == 0))
        return -1;
    struct lintel_exact e = {0};
    e.scale = decimal_rounded(scale);
    e.offset = decimal_rounded(offset);
    if (unit != NULL) {
        long double by = (long double)unit->num / (long double)unit->den;
        e.scale *= by;
        e.offset = e.offset * by + (long double)unit->offset_num / (long double)unit->offset_den;
    }
    e.folded = fold(scale, offset, unit, &e);
    e.identity = e.folded && e.num == 1 && e.off == 0 && e.den == 1;
    e.small = e.folded && e.num < SMALL && e.num > -SMALL && e.off < SMALL && e.off > -SMALL &&
              e.den < SMALL;
    *ret = e;
    return 0;
}

/* ---- scaling --------------------------------------------------------------------------------- */

/* Whether all of the products below fit into 64 bits. */
static inline int
is_small(const struct lintel_exact *e, lintel_wide m, uint32_t k, int32_t power)
{
    return e->small && power == 0 && k <= SMALL_TENS && m < SMALL && m > -SMALL;
}

/* With K = 10^k and S = 10^power: (m/K * S * num + off) / den = (m*S*num + off*K) / (den*K). */
int
lintel_exact_to(const struct lintel_exact *e, lintel_wide m, uint32_t k, int32_t power,
                struct lintel_ratio *ret)
{
    if (!e->folded)
        return 0;
    if (is_small(e, m, k, power)) {
        ret->num = (int64_t)m * (int64_t)e->num + (int64_t)e->off * small_tens[k];
        ret->den = (int64_t)e->den * small_tens[k];
        return 1;
    }
    lintel_wide ten, off = e->off, shift, num;
    if (!wide_ten((uint32_t)abs(power), &shift) || !wide_ten(k, &ten))
        return 0;
    if (power > 0) {
        if (!wide_mul(m, shift, &m))
            return 0;
    } else if (!wide_mul(ten, shift, &ten)) {
        return 0;
    }
    return wide_mul(off, ten, &off) && wide_mul(m, e->num, &num) && wide_add(num, off, &ret->num) &&
           wide_mul(e->den, ten, &ret->den);
}

/* (m/K * den - off) / (S * num) = (m*den - off*K) / (K*S*num). */
int
lintel_exact_from(const struct lintel_exact *e, lintel_wide m, uint32_t k, int32_t power,
                  struct lintel_ratio *ret)
{
    lintel_wide ten, shift, off, num, den;
    if (is_small(e, m, k, power)) {
        int64_t n = (int64_t)m * (int64_t)e->den - (int64_t)e->off * small_tens[k];
        int64_t d = (int64_t)e->num * small_tens[k];
        ret->num = d < 0 ? -n : n;
        ret->den = d < 0 ? -d : d;
        return 1;
    }
    if (!e->folded || !wide_ten(k, &ten) || !wide_ten((uint32_t)abs(power), &shift) ||
        !wide_mul(e->off, ten, &off) || !wide_mul(m, e->den, &num) || !wide_add(num, -off, &num) ||
        !wide_mul(e->num, ten, &den) ||
        !(power > 0 ? wide_mul(den, shift, &den) : wide_mul(num, shift, &num)))
        return 0;
    ret->num = den < 0 ? -num : num;
    ret->den = den < 0 ? -den : den;
    return 1;
}

int
lintel_exact_quick(const struct lintel_exact *e, int64_t m, uint32_t k, double *ret)
{
    if (!is_small(e, m, k, 0))
        return 0;
    int64_t num = m * (int64_t)e->num + (int64_t)e->off * small_tens[k];
    if (num > EXACT_IN_DOUBLE || num < -EXACT_IN_DOUBLE)
        return 0;
    *ret = (double)num / (double)((int64_t)e->den * small_tens[k]);
    return 1;
}

long double
lintel_exact_to_rounded(const struct lintel_exact *e, long double from, int32_t power)
{
    return from * e->scale * (power != 0 ? powl(10, power) : 1) + e->offset;
}

long double
lintel_exact_from_rounded(const struct lintel_exact *e, long double to, int32_t power)
{
    return (to - e->offset) / e->scale / (power != 0 ? powl(10, power) : 1);
}

/* ---- rounding -------------------------------------------------------------------------------- */

/* Long division, bit by bit where the quotient is short, until 54 bits and the rest decide. */
static double
divide_long(wide_bits num, wide_bits den)
{
    wide_bits quotient = num / den, rest = num % den;
    int exponent = 0;
    while ((quotient >> 54) == 0 && rest != 0) {
        rest <<= 1; /* rest < den < 2^127 */
        quotient <<= 1;
        if (rest >= den) {
            rest -= den;
            quotient |= 1;
        }
        exponent--;
    }
    int sticky = rest != 0;
    while ((quotient >> 55) != 0) {
        sticky |= (int)(quotient & 1);
        quotient >>= 1;
        exponent++;
    }
    /* At most 55 bits: the conversion below would round, so round to even by hand first. */
    uint64_t q = (uint64_t)quotient;
    int drop = (q >> 54) != 0 ? 2 : (q >> 53) != 0 ? 1 : 0;
    if (drop != 0) {
        uint64_t tail = q & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
        q >>= drop;
        exponent += drop;
        if (tail > half || (tail == half && (sticky || (q & 1))))
            q++;
    }
    return ldexp((double)q, exponent);
}

double
lintel_ratio_real(struct lintel_ratio r)
{
    if (r.num <= EXACT_IN_DOUBLE && r.num >= -EXACT_IN_DOUBLE && r.den <= EXACT_IN_DOUBLE)
        return (double)(int64_t)r.num / (double)(int64_t)r.den; /* IEEE 754 rounds it right */
    int negative = r.num < 0;
    double value = divide_long(negative ? -(wide_bits)r.num : (wide_bits)r.num, (wide_bits)r.den);
    return negative ? -value : value;
}

lintel_wide
lintel_ratio_whole(struct lintel_ratio r)
{
    if (r.num <= INT64_MAX && r.num >= INT64_MIN && r.den <= INT64_MAX) {
        int64_t num = (int64_t)r.num, den = (int64_t)r.den, whole = num / den, rest = num % den;
        uint64_t far = rest < 0 ? 0 - (uint64_t)rest : (uint64_t)rest;
        return (lintel_wide)whole + (far >= (uint64_t)den - far ? (num < 0 ? -1 : 1) : 0);
    }
    lintel_wide whole = r.num / r.den, rest = r.num % r.den;
    if (rest < 0)
        rest = -rest;
    return whole + (rest >= r.den - rest ? (r.num < 0 ? -1 : 1) : 0);
}

/* ---- decimals of binary numbers -------------------------------------------------------------- */

/* Where x stands: 10^e <= x < 10^(e + 1), for 1e-7 <= x < 1e22. */
static int
decimal_exponent(double x)
{
    int e = 0;
    if (x < 1) {
        while (x * tens[-e] < 1)
            e--;
        return e;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    e = (int)((((bits >> 52) - 1023) * 1233) >> 12); /* log10(2) = 0.30103 = 1233 / 4096 */
    return x < tens[e] ? e - 1 : x >= tens[e + 1] ? e + 1 : e;
}

/* The nearest whole number of one below 2^51, ties to even: adding 1.5 * 2^52 leaves no room for a
 * fraction. It is rint() without a call. */
static inline double
nearest(double x)
{
    return x + 0x1.8p52 - 0x1.8p52;
}

/* The largest one that is not above x, which is normal and positive. */
static inline double
power_of_two(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= (uint64_t)0x7ff << 52;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* By the C library, for the very small and the very large. */
static double
f32_short_printed(float x)
{
    char text[32];
    for (int digits = 1; digits < 9; digits++) { /* subnormal ones may need a single one */
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if (strtof(text, NULL) == x)
            return strtod(text, NULL);
    }
    snprintf(text, sizeof text, "%.9g", (double)x);
    return strtod(text, NULL);
}

double
lintel_f32_short(float x)
{
    double exact = (double)x, size = fabs(exact);
    if (exact == 0 || !isfinite(exact))
        return exact;
    if (size < 1e-7 || size >= 1e20)
        return f32_short_printed(x);
    /* What reads back from six digits or fewer, reads back from its six (FLT_DIG). A decimal is
     * looked at when it is as near as half a step of x, and a shade; the division then decides. */
    double half = power_of_two(size) * 0x1.00001p-24;
    for (int k = 5 - decimal_exponent(size), last = k + 3; k <= last; k++) {
        double ten = tens[k < 0 ? -k : k], wanted = k < 0 ? exact / ten : exact * ten,
               m = nearest(wanted);
        if (fabs(m - wanted) > (k < 0 ? half / ten : half * ten))
            continue;
        double value = k < 0 ? m * ten : m / ten;
        if ((float)value == x)
            return value;
    }
    return exact;
}

int
lintel_few_digits(double x, struct lintel_few *ret)
{
    double size = fabs(x);
    if (size < 9e18 && x == (double)(int64_t)x) {
        *ret = (struct lintel_few){(int64_t)x, 0};
        return 1;
    }
    if (size < 1e11) {
        double m = nearest(x * 1000);
        if (m / 1000 == x) {
            *ret = (struct lintel_few){(int64_t)m, 3};
            return 1;
        }
    }
    if (size < 1e-7 || size >= 1e15)
        return 0;
    int k = 14 - decimal_exponent(size);
    double m = nearest(x * tens[k]);
    if (m / tens[k] != x)
        return 0;
    *ret = (struct lintel_few){(int64_t)m, (uint32_t)k};
    return 1;
}
