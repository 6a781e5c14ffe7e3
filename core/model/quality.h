/* SPDX-License-Identifier: Apache-2.0
 * The qualities of SDF (RFC 9880 sections 3 and 4, and the drafts that add to it): which name may
 * stand where, with what kind of value. One table for the reader of documents and the reader of
 * data qualities. */
#ifndef LINTEL_MODEL_QUALITY_H
#define LINTEL_MODEL_QUALITY_H
#include "core/base/doc.h"
#include "core/base/report.h"

enum { /* where a map of qualities stands; a set of bits */
       LINTEL_IN_DOCUMENT = 1,
       LINTEL_IN_INFO = 2,
       LINTEL_IN_THING = 4,
       LINTEL_IN_OBJECT = 8,
       LINTEL_IN_PROPERTY = 16,
       LINTEL_IN_ACTION = 32,
       LINTEL_IN_EVENT = 64,
       LINTEL_IN_DATA = 128,
       LINTEL_IN_SUPPLEMENT = 256
};

enum lintel_quality_kind {
    LINTEL_QUALITY_ANY,
    LINTEL_QUALITY_TEXT,
    LINTEL_QUALITY_BOOL,
    LINTEL_QUALITY_NUMBER,
    LINTEL_QUALITY_COUNT,    /* whole, not negative */
    LINTEL_QUALITY_TEXTS,    /* list of texts, at least one */
    LINTEL_QUALITY_TYPE,     /* number string boolean integer array object */
    LINTEL_QUALITY_SDF_TYPE, /* byte-string unix-time; extensible */
    LINTEL_QUALITY_FORMAT,   /* date-time date time uri uri-reference uuid; extensible */
    LINTEL_QUALITY_UNIT,
    LINTEL_QUALITY_REF,      /* sdfRef */
    LINTEL_QUALITY_REQUIRED, /* sdfRequired */
    LINTEL_QUALITY_FEATURES,
    LINTEL_QUALITY_MAP,      /* a map, of names that are not ours */
    LINTEL_QUALITY_TEXT_MAP, /* a map of texts */
    LINTEL_QUALITY_AMEND,
    LINTEL_QUALITY_ONE,  /* a map of qualities: lintel_quality.inside */
    LINTEL_QUALITY_NAMED /* a map of given names, each with a map of qualities */
};

struct lintel_quality {
    const char *name;
    unsigned where; /* bits */
    enum lintel_quality_kind kind;
    unsigned inside; /* ONE and NAMED: where its members stand */
};

/* patch: below an sdfRef or in a Supplement, where null removes. */
struct lintel_quality_check {
    const struct lintel_doc *doc;
    struct lintel_report *report;
    int patch;
    /* Where a tree is made of several documents: the one of a node; else NULL, and it is doc. */
    const struct lintel_doc *(*doc_of)(const void *ctx, const struct lintel_node *n);
    const void *ctx;
};
/* Checks a map of qualities and all below. Errors: a value of the wrong kind, a definition where
 * none can be, a name that is probably misspelt. Warnings: other unknown names. Names with a prefix
 * ("acme:colour") and those with $ are accepted. -1 if there were errors. */
int lintel_quality_check(const struct lintel_quality_check *c, const struct lintel_node *map,
                         unsigned where);
/* The same for a map of given names. */
int lintel_quality_check_named(const struct lintel_quality_check *c, const struct lintel_node *map,
                               unsigned inside);
/* The quality of that name at that place, or NULL. */
const struct lintel_quality *lintel_quality_find(const char *name, unsigned where);
/* The name that was probably meant at that place, or NULL. */
const char *lintel_quality_nearest(const char *name, unsigned where);
#endif
