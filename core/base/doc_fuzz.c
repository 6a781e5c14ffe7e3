/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a document: read, turned into values and into JSON, which must read back. */
#include "core/base/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lintel_report report = {0};
    struct lintel_doc *doc = lintel_doc_parse("fuzz", (const char *)data, size, &report);
    LINTEL_ASSERT((doc == NULL) == (report.errors != 0));
    if (doc != NULL) {
        struct lintel_buf json = {0};
        lintel_value value;
        LINTEL_ASSERT(lintel_node_value(doc->root, doc->arena, 0, &value) == 0);
        LINTEL_ASSERT(lintel_node_copy(doc->root, doc->arena) != NULL);
        lintel_node_json(doc->root, &json);
        struct lintel_doc *again = lintel_doc_parse("again", json.p, json.n, &report);
        LINTEL_ASSERT(again != NULL || json.n > LINTEL_DOC_BYTES_MOST);
        lintel_doc_free(again);
        lintel_buf_fini(&json);
    }
    lintel_doc_free(doc);
    lintel_report_fini(&report);
    return 0;
}
