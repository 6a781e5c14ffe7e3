/* SPDX-License-Identifier: Apache-2.0
 * Text: strings with a length, a builder with a sticky error, UTF-8, nearest words. */
#ifndef LINTEL_BASE_TEXT_H
#define LINTEL_BASE_TEXT_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct lintel_str { /* borrowed bytes, no NUL behind them */
    const char *p;
    size_t n;
};
struct lintel_str lintel_str(const char *s); /* of a C string */
int lintel_str_eq(struct lintel_str a, const char *b);

/* A growing buffer. After a failed allocation or over `limit` bytes it is `failed`, keeps what it
 * has, and takes no more: check once at the end. {0} is an empty one without limit. */
struct lintel_buf {
    char *p;
    size_t n, room, limit; /* limit 0: none */
    int failed;
};
void lintel_buf_fini(struct lintel_buf *b);
void lintel_buf_reset(struct lintel_buf *b); /* empty, memory kept, failure forgotten */
/* Room for n bytes in all, so that it does not grow step by step; less without memory. */
void lintel_buf_expect(struct lintel_buf *b, size_t n);
void lintel_buf_add(struct lintel_buf *b, const void *p, size_t n);
void lintel_buf_adds(struct lintel_buf *b, const char *s);
void lintel_buf_addc(struct lintel_buf *b, char c);
void lintel_buf_addf(struct lintel_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void lintel_buf_addv(struct lintel_buf *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
const char *lintel_buf_str(struct lintel_buf *b); /* NUL-terminated; "" when failed and empty */

/* JSON pieces: a quoted and escaped string; a number, shortest text that reads back the same. */
void lintel_buf_add_json_str(struct lintel_buf *b, const char *s, size_t n);
void lintel_buf_add_json_real(struct lintel_buf *b, double value); /* null if not finite */

/* Copies s into out[size], with a NUL behind it. -1: it is too long for that, or has one inside. */
int lintel_str_copy(char *out, size_t size, struct lintel_str s);
/* Copies s into out[size], cut at a character's border if too long; returns 0 if cut. */
int lintel_copy(char *out, size_t size, const char *s);
/* snprintf that tells truncation: 0 if cut. */
int lintel_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Length of the longest valid UTF-8 prefix; equal to n if all is valid. */
size_t lintel_utf8_valid(const char *s, size_t n);

/* What a terminal acts on instead of showing it: C0 and C1 control characters, DEL, the ends of
 * lines U+2028 and U+2029, what turns the order of letters (U+202A to U+202E, U+2066 to U+2069;
 * Unicode annex 9). The code of such a character at the start of valid UTF-8, and its bytes; -1: it
 * is none. */
int32_t lintel_utf8_steers(const char *s, size_t n, size_t *ret_bytes);
/* Makes text from outside fit for a terminal or a log, in place: such characters become a blank
 * each, but for ASCII ones in `keep`, and bytes that are no UTF-8 a question mark each. Returns s.
 */
char *lintel_tame(char *s, const char *keep);

/* The word of a NULL-terminated list that was probably meant, or NULL: at most a third of its
 * letters differ (swaps count once, case is ignored). For "did you mean". */
const char *lintel_nearest(const char *word, const char *const *words);
/* How far two words are apart, for callers without an array: 0 = equal, at most `most` + 1. */
unsigned lintel_distance(const char *a, const char *b, unsigned most);
#endif
