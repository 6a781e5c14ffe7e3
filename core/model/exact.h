/* SPDX-License-Identifier: Apache-2.0
 * Exact scaling: decimals, ratios of whole numbers, and the one rounding at their end. 308 x 0.1
 * is 30.8 here, the double that the literal 30.8 is. No allocation, no locale. */
#ifndef LINTEL_MODEL_EXACT_H
#define LINTEL_MODEL_EXACT_H
#include <stdint.h>

#include "core/base/num.h"
#include "core/model/unit.h"

__extension__ typedef __int128 lintel_wide; /* GCC and Clang have it on every 64-bit target */

enum { LINTEL_EXACT_POWER = 10 }; /* power of ten of a scale factor: -10 .. 10 (SunSpec) */

/* to = (from * num + off) / den, in lowest terms. Where the whole numbers do not fit, `folded` is 0
 * and the two long doubles serve alone: right to 64 bits, not to the last digit. */
struct lintel_exact {
    lintel_wide num, off, den; /* num != 0, den > 0 */
    long double scale, offset; /* the same, rounded */
    int folded, identity;
    int small; /* all three are below 2^31: 64 bits do for most values */
};
/* from * scale + offset, then by `unit` (NULL: no conversion). -1: the scale is 0, so nothing could
 * be written back. */
int lintel_exact_make(struct lintel_decimal scale, struct lintel_decimal offset,
                      const struct lintel_linear *unit, struct lintel_exact *ret);

/* m / 10^k: a number that was written with few digits. */
struct lintel_few {
    int64_t m;
    uint32_t k; /* 0 .. 22 */
};
/* The whole number that x is, or the decimal of at most 15 digits whose nearest double is x; 0 if
 * there is none (1.0 / 3). */
int lintel_few_digits(double x, struct lintel_few *ret);

/* A ratio that is the outcome of scaling; den > 0. */
struct lintel_ratio {
    lintel_wide num, den;
};
/* from -> to and back; `power` is the exponent of a scale factor, 0 if there is none. The scale is
 * times 10^power, the offset is not. 0 if it does not fit, or is not folded: use the long doubles.
 */
int lintel_exact_to(const struct lintel_exact *e, lintel_wide m, uint32_t k, int32_t power,
                    struct lintel_ratio *ret);
int lintel_exact_from(const struct lintel_exact *e, lintel_wide m, uint32_t k, int32_t power,
                      struct lintel_ratio *ret);
/* What most values take: to a double, where 64 bits do and no power is asked for. 0: take the way
 * above. The double is below 2^53. */
int lintel_exact_quick(const struct lintel_exact *e, int64_t m, uint32_t k, double *ret);
long double lintel_exact_to_rounded(const struct lintel_exact *e, long double from, int32_t power);
long double lintel_exact_from_rounded(const struct lintel_exact *e, long double to, int32_t power);

double lintel_ratio_real(struct lintel_ratio r); /* the nearest double, ties to even */
lintel_wide
lintel_ratio_whole(struct lintel_ratio r); /* the nearest integer, half away from zero */

/* The double nearest to the shortest decimal that reads back as x: 21.3f -> 21.3. (double)x if it
 * is not finite. */
double lintel_f32_short(float x);
#endif
