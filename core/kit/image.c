/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kit/image.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define NATIVE_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* n bytes at an offset; NULL beyond the end, or where nothing of that alignment can be. */
static const void *
at(const struct image *m, uint64_t offset, uint64_t n, size_t align)
{
    return offset <= m->n && n <= m->n - offset && (uintptr_t)(m->p + offset) % align == 0
               ? m->p + offset
               : NULL;
}

static const ElfW(Shdr) * sections(const struct image *m)
{
    return m->head->e_shentsize == sizeof(ElfW(Shdr))
               ? at(m, m->head->e_shoff, (uint64_t)m->head->e_shnum * sizeof(ElfW(Shdr)),
                    alignof(ElfW(Shdr)))
               : NULL;
}

/* The content of the first section of a type. */
static const void *
content(const struct image *m, unsigned type, size_t align, size_t *ret_n, unsigned *ret_link)
{
    const ElfW(Shdr) *s = sections(m);
    for (unsigned i = 0; s != NULL && i < m->head->e_shnum; i++)
        if (s[i].sh_type == type) {
            *ret_n = s[i].sh_size;
            *ret_link = s[i].sh_link;
            return at(m, s[i].sh_offset, s[i].sh_size, align);
        }
    return NULL;
}

static int
is_native(const struct image *m)
{
    return memcmp(m->head->e_ident, ELFMAG, SELFMAG) == 0 &&
           m->head->e_ident[EI_CLASS] == NATIVE_CLASS && m->head->e_ident[EI_DATA] == NATIVE_DATA &&
           m->head->e_phentsize == sizeof(ElfW(Phdr));
}

int
image_read(const void *p, size_t n, struct image *ret)
{
    struct image m = {.p = p, .n = n};
    unsigned link = 0, none;
    size_t size = 0;
    m.head = at(&m, 0, sizeof *m.head, alignof(ElfW(Ehdr)));
    if (m.head == NULL || !is_native(&m))
        return -1;
    m.nparts = m.head->e_phnum;
    m.parts = at(&m, m.head->e_phoff, (uint64_t)m.nparts * sizeof *m.parts, alignof(ElfW(Phdr)));
    m.symbols = content(&m, SHT_DYNSYM, alignof(ElfW(Sym)), &size, &link);
    m.nsymbols = size / sizeof *m.symbols;
    m.dynamic = content(&m, SHT_DYNAMIC, alignof(ElfW(Dyn)), &size, &none);
    m.ndynamic = size / sizeof *m.dynamic;
    const ElfW(Shdr) *s = sections(&m);
    if (s != NULL && link < m.head->e_shnum) {
        m.strings = at(&m, s[link].sh_offset, s[link].sh_size, 1);
        m.nstrings = s[link].sh_size;
    }
    if (m.parts == NULL || m.symbols == NULL || m.dynamic == NULL || m.strings == NULL ||
        m.nstrings == 0 || m.strings[m.nstrings - 1] != '\0')
        return -1;
    *ret = m;
    return 0;
}

const char *
image_string(const struct image *m, uint64_t offset)
{
    return offset < m->nstrings ? m->strings + offset : "";
}
