/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
lintel_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Digits in base 10, or 16 behind "0x". */
static int
parse_magnitude(const char *s, size_t n, uint64_t *ret)
{
    unsigned base = 10;
    if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
        base = 16;
        s += 2;
        n -= 2;
    }
    if (n == 0)
        return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        int digit_or_none = lintel_hex_digit(s[i]);
        unsigned digit = (unsigned)digit_or_none;
        if (digit_or_none < 0 || digit >= base)
            return 0;
        if (value > (UINT64_MAX - digit) / base)
            return 0;
        value = value * base + digit;
    }
    *ret = value;
    return 1;
}

int
lintel_parse_uint(const char *s, size_t n, uint64_t *ret)
{
    return parse_magnitude(s, n, ret);
}

int
lintel_parse_int(const char *s, size_t n, int64_t *ret)
{
    int negative = n > 0 && s[0] == '-';
    uint64_t magnitude;
    if (!parse_magnitude(s + negative, n - (size_t)negative, &magnitude))
        return 0;
    if (magnitude > (uint64_t)INT64_MAX + (uint64_t)negative)
        return 0;
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 1;
}

/* Length of the number of RFC 8259 section 6 at s, 0 if there is none. */
static size_t
number_length(const char *s, size_t n)
{
    size_t i = 0, digits;
    if (i < n && s[i] == '-')
        i++;
    for (digits = i; i < n && s[i] >= '0' && s[i] <= '9'; i++)
        ;
    if (i == digits)
        return 0;
    if (i < n && s[i] == '.') {
        for (digits = ++i; i < n && s[i] >= '0' && s[i] <= '9'; i++)
            ;
        if (i == digits)
            return 0;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < n && (s[i] == '+' || s[i] == '-'))
            i++;
        for (digits = i; i < n && s[i] >= '0' && s[i] <= '9'; i++)
            ;
        if (i == digits)
            return 0;
    }
    return i;
}

int
lintel_parse_real(const char *s, size_t n, double *ret)
{
    char text[400];
    if (n == 0 || n >= sizeof text || number_length(s, n) != n)
        return 0;
    memcpy(text, s, n);
    text[n] = '\0';
    /* The programs never call setlocale(), so strtod reads the C locale's point. */
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return 0;
    *ret = value;
    return 1;
}

size_t
lintel_print_real(char out[LINTEL_REAL_TEXT], double value)
{
    if (!isfinite(value)) {
        memcpy(out, "null", 5);
        return 4;
    }
    int n = 0;
    if (value == rint(value) && fabs(value) < 1e15)
        return (size_t)snprintf(out, LINTEL_REAL_TEXT, "%lld", (long long)value);
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, LINTEL_REAL_TEXT, "%.*g", digits, value);
        if (digits == 17 || strtod(out, NULL) == value)
            break;
    }
    return (size_t)n;
}

int
lintel_parse_decimal(const char *s, size_t n, struct lintel_decimal *ret)
{
    if (n == 0 || number_length(s, n) != n)
        return 0;
    int64_t digits = 0, exponent = 0, written = 0;
    int negative = 0, fraction = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '-') {
            negative = 1;
        } else if (s[i] == '.') {
            fraction = 1;
        } else if (s[i] == 'e' || s[i] == 'E') {
            size_t at = i + 1 + (s[i + 1] == '+');
            if (!lintel_parse_int(s + at, n - at, &written) || written > 400 || written < -400)
                return 0;
            break;
        } else if (digits > (INT64_MAX / 10 - 9)) {
            if (s[i] != '0')
                return 0;
            exponent += !fraction;
        } else {
            digits = digits * 10 + (s[i] - '0');
            exponent -= fraction;
        }
    }
    exponent += written;
    while (digits != 0 && digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    if (digits == 0)
        exponent = 0;
    if (exponent < -30 || exponent > 30 || digits > 999999999999999999)
        return 0;
    *ret = (struct lintel_decimal){negative ? -digits : digits, (int32_t)exponent};
    return 1;
}
