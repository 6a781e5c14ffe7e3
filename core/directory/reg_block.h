/* SPDX-License-Identifier: Apache-2.0
 * One registration in memory: a single block, never changed but for its lifetime. An update makes a
 * new block. Links are kept taken apart, so that looking through them needs no parser and no
 * memory. Private to the registry. */
#ifndef LINTEL_DIRECTORY_REG_BLOCK_H
#define LINTEL_DIRECTORY_REG_BLOCK_H
#include "core/directory/reg_index.h"
#include "core/directory/registry.h"

struct reg {
    struct lintel_registration pub; /* its texts point into data */
    uint64_t seq;                   /* place in the order of registration, never used again */
    uint32_t heap;                  /* place in the heap of ends, from 1; 0: not there */
    uint32_t active;                /* lookups show it */
    uint32_t nattrs;                /* endpoint attributes, packed, at data + attrs_at */
    uint32_t attrs_at, links_at, size;
    char data[];
};

/* Packed: a link is target's length (2 bytes), number of attributes (1), target, attributes; an
 * attribute is the name's length (1), kind and value's length (2), name, value. */
enum reg_value { REG_VALUE_NONE, REG_VALUE_BARE, REG_VALUE_QUOTED };
enum { REG_HEAD = 3 }; /* bytes before a link's target, and before an attribute's name */
struct reg_attr {
    struct lintel_str name, value; /* value unescaped; p NULL: none */
    enum reg_value kind;           /* as it was written */
};
struct reg_cursor {
    const char *p;
    uint32_t left; /* links, or attributes of a link */
};
struct reg_link {
    struct lintel_str target; /* an absolute URI, or a path-absolute reference without dots */
    struct reg_cursor attrs;
};
void reg_attrs(const struct reg *reg, struct reg_cursor *ret);
void reg_links(const struct reg *reg, struct reg_cursor *ret);
int reg_attr_next(struct reg_cursor *c, struct reg_attr *ret); /* 0: no more */
/* 0: no more. The cursor stands behind the link's attributes, *ret's before them. */
int reg_link_next(struct reg_cursor *c, struct reg_link *ret);
/* The length of a value and how it was written, of two bytes. */
size_t reg_value_head(const char *p, enum reg_value *ret);
/* ";name=value", as it was registered. */
void reg_attr_write(const struct reg_attr *attr, struct lintel_buf *out);

/* Reads and judges a document, and packs its links where packed is not NULL. -1 with the byte and
 * the reason. */
int reg_links_read(struct lintel_str doc, struct lintel_buf *packed, uint32_t *ret_n,
                   size_t *ret_at, char reason[LINTEL_REASON]);
/* Of reg_check.c: a document as a whole, and the n-th of its links, from 0. */
int reg_check_document(struct lintel_str doc, size_t *ret_at, char reason[LINTEL_REASON]);
int reg_check_link(const struct lintel_link *l, uint32_t n, char reason[LINTEL_REASON]);

/* The same of links that are packed already, as bytes from outside: 0 if reading some document
 * would have made them. */
int reg_links_check(struct lintel_str packed, uint32_t n, char reason[LINTEL_REASON]);

/* Makes a block; all but the links is already checked. Where packed.p is not NULL, these nlinks
 * stand instead of in->links. scratch is memory to work in. NULL with a reason: out of memory, or
 * the links are none. */
struct reg *reg_block_new(const struct lintel_reg_input *in, struct lintel_str packed,
                          uint32_t nlinks, struct lintel_buf *scratch, char reason[LINTEL_REASON]);
/* The packed links of a block. */
struct lintel_str reg_block_links(const struct reg *reg);
/* The same registration with another lifetime, base, attributes, links: what a lookup can see of
 * both is equal. */
int reg_block_same(const struct reg *a, const struct reg *b);

/* A reference as it is kept: paths lose their "." and "..". */
int reg_is_path(struct lintel_str ref);
void reg_pack_path(struct lintel_buf *b, struct lintel_str ref);

/* Everything by which a registration can be found. A nonzero result ends it, and is returned. */
typedef int reg_key_fn(void *ctx, enum reg_name name, struct lintel_str text,
                       struct lintel_str value);
int reg_keys(const struct reg *reg, reg_key_fn *fn, void *ctx);
#endif
