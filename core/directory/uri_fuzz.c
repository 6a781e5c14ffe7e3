/* SPDX-License-Identifier: Apache-2.0
 * A base, a line end, and a reference: what is taken apart is put together again the same, and what
 * is resolved is resolved. */
#include "core/directory/uri.h"

#include <string.h>

#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* RFC 3986 section 5.3. */
static void
whole_again(struct lintel_str text)
{
    struct lintel_uri u;
    struct lintel_buf b = {0};
    lintel_uri_split(text, &u);
    LINTEL_ASSERT(u.path.p != NULL || text.n == 0);
    if (u.scheme.p != NULL)
        lintel_buf_add(&b, u.scheme.p, u.scheme.n), lintel_buf_addc(&b, ':');
    if (u.authority.p != NULL)
        lintel_buf_adds(&b, "//"), lintel_buf_add(&b, u.authority.p, u.authority.n);
    lintel_buf_add(&b, u.path.p, u.path.n);
    if (u.query.p != NULL)
        lintel_buf_addc(&b, '?'), lintel_buf_add(&b, u.query.p, u.query.n);
    if (u.fragment.p != NULL)
        lintel_buf_addc(&b, '#'), lintel_buf_add(&b, u.fragment.p, u.fragment.n);
    LINTEL_ASSERT(!b.failed && b.n == text.n && (b.n == 0 || memcmp(b.p, text.p, b.n) == 0));
    lintel_buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = size != 0 ? memchr(p, '\n', size) : NULL;
    if (end == NULL)
        return 0;
    struct lintel_str base = {p, (size_t)(end - p)}, ref = {end + 1, size - base.n - 1};
    struct lintel_buf once = {0}, twice = {0}, plain = {0}, again = {0};
    whole_again(base);
    whole_again(ref);
    (void)lintel_uri_is_text(ref);
    struct lintel_str origin = lintel_uri_origin(base);
    LINTEL_ASSERT(origin.n <= base.n);
    /* A path without dots stays as it is. */
    lintel_uri_plain_path(&plain, ref);
    LINTEL_ASSERT(!plain.failed && plain.n <= ref.n);
    lintel_uri_plain_path(&again, (struct lintel_str){lintel_buf_str(&plain), plain.n});
    LINTEL_ASSERT(again.n == plain.n && memcmp(lintel_buf_str(&again), plain.p, plain.n) == 0);
    /* What has been resolved needs no base. (Without a path of its own it has the base's as it is.)
     */
    lintel_uri_resolve(&once, base, ref);
    LINTEL_ASSERT(!once.failed && once.n <= base.n + ref.n + 4);
    struct lintel_uri u;
    lintel_uri_split((struct lintel_str){lintel_buf_str(&once), once.n}, &u);
    struct lintel_uri own, whole;
    lintel_uri_split(ref, &own);
    lintel_uri_split(base, &whole);
    if (whole.scheme.p != NULL && whole.authority.p != NULL && own.path.n != 0) {
        lintel_uri_resolve(&twice, base, (struct lintel_str){once.p, once.n});
        LINTEL_ASSERT(twice.n == once.n && memcmp(twice.p, once.p, once.n) == 0);
    }
    lintel_buf_fini(&once);
    lintel_buf_fini(&twice);
    lintel_buf_fini(&plain);
    lintel_buf_fini(&again);
    return 0;
}
