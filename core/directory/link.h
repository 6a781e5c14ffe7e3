/* SPDX-License-Identifier: Apache-2.0
 * CoRE link format (RFC 6690): writing, reading, and the filter of a query (section 4.1, with
 * several criteria as RFC 9176 section 6.1 wants them). No I/O. */
#ifndef LINTEL_DIRECTORY_LINK_H
#define LINTEL_DIRECTORY_LINK_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "lintel/transport.h"

enum { /* limits of one link; a longer one is refused */
       LINTEL_LINK_ATTRS_MOST = 32,
       LINTEL_LINK_TEXT_MOST = 4096, /* bytes of a target or of a value */
       LINTEL_LINK_NAME_MOST = 64
};

struct lintel_link_attr {
    struct lintel_str name;
    struct lintel_str value; /* unescaped; p NULL: none was given ("obs") */
};
struct lintel_link {
    struct lintel_str target;
    uint32_t n;
    struct lintel_link_attr attrs[LINTEL_LINK_ATTRS_MOST];
};

/* Building one. Texts are borrowed; an empty or NULL value adds nothing; more than fit are left
 * out. */
void lintel_link_init(struct lintel_link *l, struct lintel_str target);
void lintel_link_set(struct lintel_link *l, const char *name, struct lintel_str value);
void lintel_link_flag(struct lintel_link *l, const char *name); /* an attribute without value */
/* The first value of that name (case is ignored); p NULL: none. */
struct lintel_str lintel_link_get(const struct lintel_link *l, const char *name);

/* Appends a link, with a comma before it unless the buffer is empty. Numbers stand bare, all else
 * in quotes. */
void lintel_link_write(struct lintel_buf *b, const struct lintel_link *l);
/* One attribute, with the ';' before it. */
void lintel_link_write_attr(struct lintel_buf *b, const struct lintel_link_attr *attr);
/* Appends "/" and one path segment, percent-encoded where RFC 3986 wants it. */
void lintel_link_segment(struct lintel_buf *b, const char *s, size_t n);

/* Reading: {p, n, 0} is a cursor over a document. */
struct lintel_link_reader {
    const char *p;
    size_t n, at;
};
/* 1: a link; 0: the end; -1: malformed at byte r->at, with a reason. Texts point into the document,
 * those with escapes into the arena. Of the attributes that may stand once only the first counts
 * (RFC 6690 section 3). */
int lintel_link_next(struct lintel_link_reader *r, struct lintel_arena *a, struct lintel_link *ret,
                     const char **reason);

/* What the reader above takes as a name and as a value without quotes. */
int lintel_link_is_parmname(struct lintel_str name);
int lintel_link_is_ptoken(struct lintel_str value);
/* A bit of its own for each attribute that a link has once; 0: it may stand again. */
uint32_t lintel_link_stands_once(struct lintel_str name);

/* Names of attributes: case is ignored. */
int lintel_link_same_name(struct lintel_str a, struct lintel_str b);
static inline int
lintel_link_is_name(struct lintel_str name, const char *word)
{
    struct lintel_str other = {word, strlen(word)};
    return name.n == other.n && lintel_link_same_name(name, other);
}

/* One criterion of a query, taken apart. Texts are the query's. */
struct lintel_link_criterion {
    struct lintel_str name; /* empty: no link has it */
    struct lintel_str want; /* without the '*' at its end */
    int bare;               /* "name" alone: it is enough that the attribute is there */
    int prefix;
};
void lintel_link_criterion_read(lintel_span arg, struct lintel_link_criterion *ret);
int lintel_link_is_list(struct lintel_str name); /* rt if rel rev ct */
/* Whether an attribute meets it; a text that is no attribute's (a target, a base) is judged by
 * _text_matches(). */
int lintel_link_attr_matches(const struct lintel_link_criterion *c, struct lintel_str name,
                             struct lintel_str value);
int lintel_link_text_matches(const struct lintel_link_criterion *c, struct lintel_str text);

/* Whether a link meets all criteria of a query: "name=value", `value*` for a beginning, "href" for
 * the target; attributes that are lists (rt if rel rev ct) match by each of their words. "name"
 * alone: is there. */
int lintel_link_matches(const struct lintel_link *l, const lintel_span *query, uint32_t nquery);
#endif
