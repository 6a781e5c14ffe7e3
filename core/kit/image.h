/* SPDX-License-Identifier: Apache-2.0
 * A shared object of this machine, read as data: for the conformance suite. The file may say of
 * itself what it likes: every table that is told here lies whole and aligned within its bytes. No
 * I/O. */
#ifndef LINTEL_KIT_IMAGE_H
#define LINTEL_KIT_IMAGE_H
#include <link.h>
#include <stddef.h>

struct image {
    const char *p; /* the file's bytes, which the caller keeps */
    size_t n;
    const ElfW(Ehdr) * head;
    const ElfW(Phdr) * parts;
    const ElfW(Sym) * symbols;
    const ElfW(Dyn) * dynamic;
    const char *strings; /* ends with a NUL */
    size_t nparts, nsymbols, ndynamic, nstrings;
};
/* 0, or -1: no such object, or without one of the tables. */
int image_read(const void *p, size_t n, struct image *ret);
/* A name of the symbols' or the dynamic table; "" if it lies beyond the strings. */
const char *image_string(const struct image *m, uint64_t offset);
#endif
