/* SPDX-License-Identifier: Apache-2.0
 * Texts and octets: encodings, padding, numbers in text. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/num.h"
#include "core/model/codec_program.h"

const char *const lintel_codec_encodings[] = {"utf-8", "ascii", "latin1", "hex", "base64", NULL};

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void *
scratch_take(struct scratch *s, uint64_t n)
{
    if (n <= (uint64_t)(LINTEL_CODEC_TEXT - s->used)) {
        void *p = s->d->text + s->used;
        s->used += (uint32_t)n;
        return p;
    }
    if (s->payload == NULL)
        return NULL;
    if (s->payload->arena == NULL)
        s->payload->arena = lintel_arena_new();
    return s->payload->arena != NULL ? lintel_arena_alloc(s->payload->arena, (size_t)n) : NULL;
}

static const char too_long[] = "the text is too long";

void
swap_words(unsigned char *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        unsigned char first = p[i];
        p[i] = p[i + 1];
        p[i + 1] = first;
    }
}

/* ---- octets -> text -------------------------------------------------------------------------- */

/* A text of fixed length ends at its first NUL, and the blanks before that are padding too. */
static struct lintel_str
without_padding(struct lintel_str s)
{
    const char *nul = s.n != 0 ? memchr(s.p, '\0', s.n) : NULL;
    if (nul != NULL)
        s.n = (size_t)(nul - s.p);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static size_t
ascii_length(struct lintel_str s)
{
    size_t i = 0;
    while (i < s.n && (unsigned char)s.p[i] < 0x80)
        i++;
    return i;
}

static const char *
latin1_to_utf8(struct lintel_str s, struct scratch *scratch, struct text *ret)
{
    char *out = scratch_take(scratch, (uint64_t)s.n * 2 + 1);
    if (out == NULL)
        return too_long;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    out[n] = '\0';
    *ret = (struct text){{out, n}, 1};
    return NULL;
}

static size_t
hex_print(struct lintel_str s, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        *out++ = digits[(unsigned char)s.p[i] >> 4];
        *out++ = digits[(unsigned char)s.p[i] & 15];
    }
    return s.n * 2;
}

static size_t
base64_print(struct lintel_str s, char *out)
{
    const unsigned char *p = (const unsigned char *)s.p;
    char *start = out;
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t three = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                         (left > 2 ? p[i + 2] : 0);
        *out++ = base64_digits[three >> 18];
        *out++ = base64_digits[three >> 12 & 63];
        *out++ = left > 1 ? base64_digits[three >> 6 & 63] : '=';
        *out++ = left > 2 ? base64_digits[three & 63] : '=';
    }
    return (size_t)(out - start);
}

static const char *
printed(enum text_code code, struct lintel_str s, struct scratch *scratch, struct text *ret)
{
    char *out = scratch_take(scratch, (uint64_t)s.n * 2 + 5);
    if (out == NULL)
        return too_long;
    size_t n = code == CODE_HEX ? hex_print(s, out) : base64_print(s, out);
    out[n] = '\0';
    *ret = (struct text){{out, n}, 1};
    return NULL;
}

const char *
text_of_octets(const struct lintel_codec *c, struct lintel_str octets, struct scratch *s,
               struct text *ret)
{
    if (c->swaps && octets.n != 0) {
        unsigned char *copy = scratch_take(s, octets.n);
        if (copy == NULL)
            return too_long;
        memcpy(copy, octets.p, octets.n);
        swap_words(copy, octets.n);
        octets.p = (const char *)copy;
    }
    if (c->code == CODE_HEX || c->code == CODE_BASE64)
        return printed(c->code, octets, s, ret);
    if (c->wire_bytes != 0)
        octets = without_padding(octets);
    if (octets.n != 0 && memchr(octets.p, '\0', octets.n) != NULL)
        return "the text has a NUL in it";
    if (ascii_length(octets) == octets.n) {
        *ret = (struct text){octets, 0};
        return NULL;
    }
    if (c->code == CODE_LATIN1)
        return latin1_to_utf8(octets, s, ret);
    if (c->code == CODE_ASCII)
        return "the text is not all ASCII (encoding: utf-8 or latin1?)";
    if (lintel_utf8_valid(octets.p, octets.n) != octets.n)
        return "the text is no UTF-8 (encoding: latin1?)";
    *ret = (struct text){octets, 0};
    return NULL;
}

/* ---- text -> octets -------------------------------------------------------------------------- */

/* Each writes at most s.n bytes and returns how many, or -1. */
static int64_t
hex_read(struct lintel_str s, unsigned char *out)
{
    if (s.n % 2 != 0)
        return -1;
    for (size_t i = 0; i < s.n; i += 2) {
        int high = lintel_hex_digit(s.p[i]), low = lintel_hex_digit(s.p[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        *out++ = (unsigned char)(high << 4 | low);
    }
    return (int64_t)(s.n / 2);
}

static int
base64_digit(char c)
{
    if (c == '-') /* the URL-safe alphabet is read too (RFC 4648 section 5) */
        return 62;
    if (c == '_')
        return 63;
    const char *at = c != '\0' ? strchr(base64_digits, c) : NULL;
    return at != NULL ? (int)(at - base64_digits) : -1;
}

static int64_t
base64_read(struct lintel_str s, unsigned char *out)
{
    for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
        s.n--;
    if (s.n % 4 == 1)
        return -1;
    uint32_t bits = 0, have = 0;
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int digit = base64_digit(s.p[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    return n;
}

const char *
octets_of_text(const struct lintel_codec *c, struct lintel_str text, struct scratch *s,
               struct lintel_str *ret)
{
    if (c->code != CODE_HEX && c->code != CODE_BASE64) {
        *ret = text;
        return NULL;
    }
    unsigned char *out = scratch_take(s, (uint64_t)text.n + 1);
    if (out == NULL)
        return too_long;
    int64_t n = c->code == CODE_HEX ? hex_read(text, out) : base64_read(text, out);
    if (n < 0)
        return c->code == CODE_HEX ? "the text is not hexadecimal" : "the text is not base64";
    *ret = (struct lintel_str){(const char *)out, (size_t)n};
    return NULL;
}

/* ---- for writing ----------------------------------------------------------------------------- */

/* UTF-8, valid or not, as one byte a character. */
static const char *
put_narrow(struct lintel_str text, unsigned most, struct lintel_buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned c = (unsigned char)text.p[i];
        if (c >= 0xc2 && c <= 0xc3 && i + 1 < text.n)
            c = (c & 3) << 6 | ((unsigned char)text.p[++i] & 0x3f);
        else if (c >= 0x80)
            c = 0x100;
        if (c > most)
            return most < 0x80 ? "a character of the text is not in ASCII"
                               : "a character of the text is not in Latin-1";
        lintel_buf_addc(out, (char)c);
    }
    return NULL;
}

const char *
put_octets_of_text(enum text_code code, struct lintel_str text, struct lintel_buf *out)
{
    if (code == CODE_ASCII || code == CODE_LATIN1)
        return put_narrow(text, code == CODE_ASCII ? 0x7f : 0xff, out);
    if (code == CODE_UTF8) {
        lintel_buf_add(out, text.p, text.n);
        return NULL;
    }
    unsigned char *octets = lintel_alloc(text.n + 1);
    if (octets == NULL) {
        out->failed = 1;
        return NULL;
    }
    int64_t n = code == CODE_HEX ? hex_read(text, octets) : base64_read(text, octets);
    if (n >= 0)
        lintel_buf_add(out, octets, (size_t)n);
    lintel_free(octets);
    return n >= 0             ? NULL
           : code == CODE_HEX ? "the text is not hexadecimal"
                              : "the text is not base64";
}

void
put_text_of_octets(enum text_code code, struct lintel_str octets, struct lintel_buf *out)
{
    if (code != CODE_HEX && code != CODE_BASE64) {
        lintel_buf_add(out, octets.p, octets.n);
        return;
    }
    char piece[256]; /* of 96 octets: a multiple of 3 */
    for (size_t i = 0; i < octets.n; i += 96) {
        struct lintel_str part = {octets.p + i, octets.n - i < 96 ? octets.n - i : 96};
        lintel_buf_add(out, piece,
                       code == CODE_HEX ? hex_print(part, piece) : base64_print(part, piece));
    }
}

/* ---- numbers and truth in text --------------------------------------------------------------- */

struct lintel_str
text_trim(struct lintel_str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL) /* a NUL counts as blank too */
        s.n--;
    while (s.n > 0 && s.p[0] != '\0' && strchr(" \t\r\n", s.p[0]) != NULL) {
        s.p++;
        s.n--;
    }
    return s;
}

int
text_number(struct lintel_str s, lintel_value *ret)
{
    s = text_trim(s);
    if (s.n > 1 && s.p[0] == '+' && isdigit((unsigned char)s.p[1])) {
        s.p++;
        s.n--;
    }
    *ret = (lintel_value){.type = LINTEL_T_INT};
    if (lintel_parse_int(s.p, s.n, &ret->as.i))
        return 1;
    ret->type = LINTEL_T_UINT;
    if (lintel_parse_uint(s.p, s.n, &ret->as.u))
        return 1;
    ret->type = LINTEL_T_REAL;
    return lintel_parse_real(s.p, s.n, &ret->as.r);
}

int
text_bool(struct lintel_str s, int *ret)
{
    static const char *const words[] = {"false", "true", "0", "1", "off", "on"};
    s = text_trim(s);
    for (size_t i = 0; i < LINTEL_COUNT(words); i++) {
        if (s.n == strlen(words[i]) && strncasecmp(s.p, words[i], s.n) == 0) {
            *ret = (int)(i % 2);
            return 1;
        }
    }
    return 0;
}
