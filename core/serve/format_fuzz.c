/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as the payload of a write. The first two choose format and model; JSON that is read is
 * written and read again. */
#include "core/base/mem.h"
#include "core/serve/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int32_t formats[] = {LINTEL_FORMAT_NONE, LINTEL_FORMAT_JSON, LINTEL_FORMAT_CBOR,
                                      LINTEL_FORMAT_TEXT, 41};
    static const struct lintel_data models[] = {
        {.kind = LINTEL_DATA_ANY},
        {.kind = LINTEL_DATA_NUMBER},
        {.kind = LINTEL_DATA_STRING},
        {.kind = LINTEL_DATA_STRING, .flags = LINTEL_DATA_BYTES},
        {.kind = LINTEL_DATA_BOOLEAN}};
    struct lintel_arena *a = lintel_arena_new();
    lintel_value v, again;
    char reason[LINTEL_REASON] = "";
    if (size >= 2 && a != NULL) {
        int32_t format = formats[data[0] % LINTEL_COUNT(formats)];
        lintel_span payload = {(const char *)data + 2, size - 2};
        uint32_t code = lintel_format_read(format, payload, &models[data[1] % LINTEL_COUNT(models)],
                                           a, &v, reason);
        LINTEL_ASSERT(code == 0 || reason[0] != '\0');
        if (code == 0) {
            struct lintel_buf b = {0};
            lintel_format_write(&b, LINTEL_FORMAT_JSON, &v);
            /* CBOR may hold what JSON has not: a NUL in a text, a name twice. */
            int same =
                lintel_json_read(b.p, b.n, a, &again, reason) == 0 &&
                (again.type == v.type || v.type == LINTEL_T_BYTES || v.type == LINTEL_T_REAL);
            LINTEL_ASSERT(same || format == LINTEL_FORMAT_CBOR);
            lintel_buf_reset(&b);
            lintel_format_write(&b, LINTEL_FORMAT_TEXT, &v);
            lintel_format_write(&b, LINTEL_FORMAT_CBOR, &v);
            lintel_buf_fini(&b);
        }
    }
    lintel_arena_free(a);
    return 0;
}
