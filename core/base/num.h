/* SPDX-License-Identifier: Apache-2.0
 * Numbers: strict parsing and printing without locale; exact decimals. */
#ifndef LINTEL_BASE_NUM_H
#define LINTEL_BASE_NUM_H
#include <stddef.h>
#include <stdint.h>

/* All of s[0..n) must be the number; no blanks, no sign but '-' (and '+' in exponents). 0 on
 * failure. */
int lintel_parse_int(const char *s, size_t n, int64_t *ret);   /* decimal, or 0x.. hexadecimal */
int lintel_parse_uint(const char *s, size_t n, uint64_t *ret); /* the same */
int lintel_parse_real(const char *s, size_t n, double *ret);   /* JSON's number grammar; finite */

/* 0 .. 15, or -1 for what is no hexadecimal digit. */
int lintel_hex_digit(char c);

enum { LINTEL_REAL_TEXT = 32 };
/* The shortest text that reads back as value ("21.5", "100", "1e+30"), or "null" if not finite.
 * Returns its length; out[] is NUL-terminated. */
size_t lintel_print_real(char out[LINTEL_REAL_TEXT], double value);

/* digits x 10^exponent, exactly as written in a file. */
struct lintel_decimal {
    int64_t digits;
    int32_t exponent; /* -30 .. 30 */
};
/* JSON's number grammar with at most 18 significant digits; 0 on failure. */
int lintel_parse_decimal(const char *s, size_t n, struct lintel_decimal *ret);
#endif
