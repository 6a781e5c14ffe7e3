/* SPDX-License-Identifier: Apache-2.0
 * Regular expressions in time linear in the text, whatever the pattern: characters, classes,
 * groups, choices and repetitions (what RFC 9880 appendix C.2 and I-Regexp, RFC 9485, have in
 * common), and the anchors ^ and $. No look-ahead, no back references, no \p{..}. Matching
 * allocates nothing. */
#ifndef LINTEL_MODEL_REGEXP_H
#define LINTEL_MODEL_REGEXP_H
#include <stddef.h>

#include "core/base/mem.h"
#include "core/base/text.h"

struct lintel_regexp; /* immutable, shared by threads */

enum { LINTEL_REGEXP_REASON = 160 };

/* In the arena, or (arena NULL) on the heap: then free it with lintel_regexp_free. NULL with the
 * reason: what is wrong at which character, and what to write instead. */
struct lintel_regexp *lintel_regexp_compile(const char *pattern, size_t n,
                                            struct lintel_arena *arena,
                                            char reason[LINTEL_REGEXP_REASON]);
void lintel_regexp_free(struct lintel_regexp *re); /* NULL is fine */

/* Whether the pattern matches anywhere in s[0..n), valid UTF-8: the leftmost match, repetitions as
 * long as possible. ret_group (may be NULL) gets what group 1 matched, the whole match if the
 * pattern has no group, and {NULL, 0} if group 1 took no part. */
int lintel_regexp_search(const struct lintel_regexp *re, const char *s, size_t n,
                         struct lintel_str *ret_group);
int lintel_regexp_groups(const struct lintel_regexp *re); /* how many pairs of parentheses */
#endif
