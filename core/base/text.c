/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"

struct lintel_str
lintel_str(const char *s)
{
    return (struct lintel_str){s, strlen(s)};
}

int
lintel_str_eq(struct lintel_str a, const char *b)
{
    return strlen(b) == a.n && (a.n == 0 || memcmp(a.p, b, a.n) == 0);
}

void
lintel_buf_fini(struct lintel_buf *b)
{
    lintel_free(b->p);
    *b = (struct lintel_buf){.limit = b->limit};
}

void
lintel_buf_reset(struct lintel_buf *b)
{
    b->n = 0;
    b->failed = 0;
}

/* Makes room for n more bytes and a NUL. */
static int
reserve(struct lintel_buf *b, size_t n)
{
    if (b->failed)
        return 0;
    if (n > SIZE_MAX / 4 || b->n > SIZE_MAX / 4 || (b->limit != 0 && b->n + n > b->limit)) {
        b->failed = 1;
        return 0;
    }
    if (b->n + n + 1 <= b->room)
        return 1;
    size_t room = b->room ? b->room * 2 : 64;
    while (room < b->n + n + 1)
        room *= 2;
    char *p = lintel_grow(b->p, room, 1);
    if (p == NULL) {
        b->failed = 1;
        return 0;
    }
    b->p = p;
    b->room = room;
    return 1;
}

void
lintel_buf_expect(struct lintel_buf *b, size_t n)
{
    if (b->limit != 0 && n > b->limit)
        n = b->limit;
    char *p = b->failed || n >= SIZE_MAX / 4 || n < b->room ? NULL : lintel_grow(b->p, n + 1, 1);
    if (p == NULL)
        return;
    b->p = p;
    b->room = n + 1;
}

void
lintel_buf_add(struct lintel_buf *b, const void *p, size_t n)
{
    if (!reserve(b, n))
        return;
    if (n != 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void
lintel_buf_adds(struct lintel_buf *b, const char *s)
{
    lintel_buf_add(b, s, strlen(s));
}

void
lintel_buf_addc(struct lintel_buf *b, char c)
{
    lintel_buf_add(b, &c, 1);
}

void
lintel_buf_addv(struct lintel_buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void
lintel_buf_addf(struct lintel_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    lintel_buf_addv(b, format, args);
    va_end(args);
}

const char *
lintel_buf_str(struct lintel_buf *b)
{
    if (b->p == NULL && !reserve(b, 0))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}

int32_t
lintel_utf8_steers(const char *s, size_t n, size_t *ret_bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    *ret_bytes = 1;
    if (n == 0 || (u[0] >= 0x20 && u[0] < 0x7f))
        return -1;
    if (u[0] <= 0x7f)
        return u[0];
    if (u[0] == 0xc2 && n >= 2 && u[1] >= 0x80 && u[1] < 0xa0) {
        *ret_bytes = 2;
        return u[1];
    }
    if (u[0] != 0xe2 || n < 3)
        return -1;
    *ret_bytes = 3;
    if (u[1] == 0x80 && u[2] >= 0xa8 && u[2] <= 0xae)
        return 0x2000 + u[2] - 0x80;
    if (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9)
        return 0x2040 + u[2] - 0x80;
    return -1;
}

/* A character that is written as an escape, and its bytes; -1: none. JSON would let many of them
 * stand; people look at it in terminals, and YAML, by whose rules we read, does not let U+0080 to
 * U+009F and U+FFFE, U+FFFF stand, and takes U+0085, U+2028 and U+2029 for ends of lines. */
static int32_t
escaped(const char *s, size_t n, size_t *ret_bytes)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] == 0xef && n >= 3 && u[1] == 0xbf && u[2] >= 0xbe) {
        *ret_bytes = 3;
        return 0xff40 + u[2];
    }
    return lintel_utf8_steers(s, n, ret_bytes);
}

void
lintel_buf_add_json_str(struct lintel_buf *b, const char *s, size_t n)
{
    lintel_buf_addc(b, '"');
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        size_t bytes = 1;
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            continue; /* most of it */
        int32_t code = c == '"' || c == '\\' ? c : escaped(s + i, n - i, &bytes);
        if (code < 0)
            continue;
        lintel_buf_add(b, s + plain, i - plain);
        i += bytes - 1;
        plain = i + 1;
        switch (code) {
        case '"': lintel_buf_adds(b, "\\\""); break;
        case '\\': lintel_buf_adds(b, "\\\\"); break;
        case '\n': lintel_buf_adds(b, "\\n"); break;
        case '\r': lintel_buf_adds(b, "\\r"); break;
        case '\t': lintel_buf_adds(b, "\\t"); break;
        default: lintel_buf_addf(b, "\\u%04x", (unsigned)code); break;
        }
    }
    lintel_buf_add(b, s + plain, n - plain);
    lintel_buf_addc(b, '"');
}

void
lintel_buf_add_json_real(struct lintel_buf *b, double value)
{
    char text[LINTEL_REAL_TEXT];
    lintel_buf_add(b, text, lintel_print_real(text, value));
}

int
lintel_str_copy(char *out, size_t size, struct lintel_str s)
{
    if (s.n >= size || (s.n != 0 && memchr(s.p, '\0', s.n) != NULL))
        return -1;
    if (s.n != 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return 0;
}

int
lintel_copy(char *out, size_t size, const char *s)
{
    size_t n = strlen(s);
    if (n < size) {
        memcpy(out, s, n + 1);
        return 1;
    }
    n = size - 1;
    while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    memcpy(out, s, n);
    out[n] = '\0';
    return 0;
}

int
lintel_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out, size, format, args);
    va_end(args);
    return n >= 0 && (size_t)n < size;
}

/* Length of the UTF-8 character at s, 0 if it is none (RFC 3629 section 4). */
static size_t
utf8_char(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

size_t
lintel_utf8_valid(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t eight;
        if (n - i >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, s + i, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        size_t len =
            (unsigned char)s[i] < 0x80 ? 1 : utf8_char((const unsigned char *)s + i, n - i);
        if (len == 0)
            return i;
        i += len;
    }
    return n;
}

char *
lintel_tame(char *s, const char *keep)
{
    size_t n = strlen(s), to = 0, bytes;
    for (size_t from = 0; from < n; from += bytes) {
        size_t len = utf8_char((const unsigned char *)s + from, n - from);
        int32_t code = lintel_utf8_steers(s + from, n - from, &bytes);
        if (len == 0)
            s[to++] = '?';
        else if (code >= 0 && (len > 1 || strchr(keep, (int)code) == NULL))
            s[to++] = ' ';
        else {
            memmove(s + to, s + from, len);
            to += len;
        }
        bytes = len > 0 ? len : 1;
    }
    s[to] = '\0';
    return s;
}

enum { WORD_MOST = 64 }; /* longer words are not compared */

unsigned
lintel_distance(const char *a, const char *b, unsigned most)
{
    size_t na = strlen(a), nb = strlen(b);
    if (na > WORD_MOST || nb > WORD_MOST || (na > nb ? na - nb : nb - na) > most)
        return most + 1;
    unsigned rows[3][WORD_MOST + 1];
    for (size_t j = 0; j <= nb; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i - 1) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            unsigned best = before[j - 1] + (ca != cb);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                cb == tolower((unsigned char)a[i - 2]) && earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[na % 3][nb] > most ? most + 1 : rows[na % 3][nb];
}

const char *
lintel_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    unsigned distance = (unsigned)(strlen(word) + 2) / 3 + 1;
    for (; *words != NULL; words++) {
        unsigned d = lintel_distance(word, *words, distance);
        if (d < distance) {
            distance = d;
            best = *words;
        }
    }
    return best;
}
