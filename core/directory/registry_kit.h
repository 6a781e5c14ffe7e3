/* SPDX-License-Identifier: Apache-2.0
 * For tests of the registry: registrations and lookups as one writes them in a request, answers as
 * text with registrations numbered from 1 in the order of their first appearance. */
#ifndef LINTEL_DIRECTORY_REGISTRY_KIT_H
#define LINTEL_DIRECTORY_REGISTRY_KIT_H
#include "core/directory/registry.h"

enum { DIR_IDS = 64 };
struct dir { /* a registry under test; one at a time is enough */
    struct lintel_registry *r;
    lintel_mono now;
    const char *here;
    uint64_t ids[DIR_IDS];
    uint32_t nids;
    struct lintel_buf told; /* "+a -a ~a(old) .." since dir_told() */
    uint32_t forgotten;
    char reason[LINTEL_REASON];
};
void dir_open(struct dir *d);
void dir_close(struct dir *d);

/* "ep=node1&d=x&base=coap://h&lt=60&et=a&et=b"; flags beside those of base. The number from 1, or
 * 0 with a reason. */
uint32_t dir_put(struct dir *d, const char *query, const char *links, uint32_t flags);
/* "lt=60&base=..&source=..&et=c"; links NULL: they stay. 0, or -1 with a reason. */
int dir_update(struct dir *d, uint32_t number, const char *query, const char *links);
void dir_wait(struct dir *d, double seconds); /* and expires */
/* The whole answer, in steps of that many registrations. Static memory. "4.00 ..": refused. */
const char *dir_look(struct dir *d, int resources, const char *query, uint32_t budget);
const char *dir_told(struct dir *d);
/* Splits at '&'; texts point into query. */
uint32_t dir_query(const char *query, lintel_span *out, uint32_t room);
#endif
