/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/reader.h"

#include <mbedtls/md.h>
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/files.h"

enum {
    SITE_BYTES_MOST = 512 * 1024 * 1024 /* of all files together */
};

void *
lintel_reader_no_memory(struct lintel_reader *r)
{
    r->no_memory = 1;
    return NULL;
}

void
lintel_reader_put(struct lintel_reader *r, struct lintel_map *m, const char *key, size_t n,
                  void *value)
{
    if (lintel_map_put(m, key, n, value) != 0)
        lintel_reader_no_memory(r);
}

int
lintel_reader_doc(struct lintel_reader *r, const char *path, struct lintel_doc **ret)
{
    char *text = NULL;
    size_t n = 0;
    int failed = r->files->read(r->files->ctx, path, LINTEL_DOC_BYTES_MOST, &text, &n, r->report);
    if (failed != 0)
        return failed;
    r->bytes += n;
    struct lintel_doc *doc = NULL;
    if (r->bytes > SITE_BYTES_MOST)
        lintel_error(r->report, (struct lintel_place){path, 0, 0},
                     "the files of the site are larger than %d MiB together",
                     SITE_BYTES_MOST / 1024 / 1024);
    else
        doc = lintel_doc_parse(path, text, n, r->report);
    lintel_free(text);
    *ret = doc;
    return doc != NULL ? 0 : -1;
}

int
lintel_reader_keys(struct lintel_reader *r, const struct lintel_doc *doc,
                   const struct lintel_node *map, const char *const *words, const char *what)
{
    struct lintel_field_source source = {
        .doc = doc, .map = map, .also = words, .what = what, .at = lintel_node_place(doc, map)};
    return lintel_fields_parse(NULL, &source, r->scratch, r->report) != NULL ? 0 : -1;
}

const char *const *
lintel_reader_words(struct lintel_reader *r, const char *const *const *lists)
{
    size_t n = 0;
    for (size_t i = 0; lists[i] != NULL; i++)
        for (const char *const *w = lists[i]; *w != NULL; w++)
            n++;
    const char **words = lintel_arena_alloc(r->scratch, (n + 1) * sizeof *words);
    if (words == NULL)
        return lintel_reader_no_memory(r);
    n = 0;
    for (size_t i = 0; lists[i] != NULL; i++)
        for (const char *const *w = lists[i]; *w != NULL; w++)
            words[n++] = *w;
    return words;
}

const char *const *
lintel_reader_map_words(struct lintel_reader *r, const struct lintel_map *m)
{
    const struct lintel_map_slot *slot;
    const char **words = lintel_arena_alloc(r->scratch, (m->n + 1) * sizeof *words);
    size_t n = 0;
    for (size_t it = 0; words != NULL && lintel_map_next(m, &it, &slot);)
        words[n++] = slot->key;
    return words;
}

struct lintel_place
lintel_reader_keep(const char *path, struct lintel_place at)
{
    return (struct lintel_place){path, at.line, at.column};
}

int
lintel_digest(const struct lintel_buf *b, uint8_t out[16])
{
    unsigned char whole[32];
    if (b->failed || mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                (const unsigned char *)(b->n ? b->p : ""), b->n, whole) != 0)
        return -1;
    memcpy(out, whole, 16);
    return 0;
}

void
lintel_digest_str(struct lintel_buf *b, const char *s)
{
    lintel_buf_add(b, s ? s : "", (s ? strlen(s) : 0) + 1);
}
