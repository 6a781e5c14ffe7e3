/* SPDX-License-Identifier: Apache-2.0 */
#include "core/model/json_load.h"

#include <pthread.h>

#include "core/base/mem.h"
#include "core/base/text.h"

static _Thread_local int starved;

static void *
note_failure(size_t n)
{
    void *p = lintel_grow(NULL, n, 1);
    if (p == NULL)
        starved = 1;
    return p;
}

/* What jansson has allocated before is freed in the same way. */
static void
take_over(void)
{
    json_set_alloc_funcs(note_failure, lintel_free);
}

json_t *
lintel_json_load(const char *p, size_t n, size_t flags, json_error_t *error, int *ret_starved)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, take_over);
    starved = 0;
    json_t *j = json_loadb(p, n, flags, error);
    *ret_starved = j == NULL && starved;
    if (*ret_starved)
        lintel_copy(error->text, sizeof error->text, "out of memory");
    return j;
}

json_t *
lintel_json_load_wide(const char *p, size_t n, size_t flags, json_error_t *error, int *ret_starved)
{
    json_t *j = lintel_json_load(p, n, flags, error, ret_starved);
    if (j == NULL && !*ret_starved && json_error_code(error) == json_error_numeric_overflow)
        j = lintel_json_load(p, n, flags | JSON_DECODE_INT_AS_REAL, error, ret_starved);
    return j;
}
