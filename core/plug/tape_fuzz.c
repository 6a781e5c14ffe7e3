/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a recording, and as a frame of a message. What was recorded is in order, and each
 * question of it is found. */
#include "core/plug/tape.h"

#include "core/base/mem.h"
#include "core/plug/tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[LINTEL_TAPE_REASON];
    struct lintel_tapped tapped;
    const lintel_tap *answer = NULL;
    if (lintel_wire_read_tapped(data, size, &tapped) == 0)
        LINTEL_ASSERT(tapped.tap.n <= LINTEL_TAP_BYTES_MOST && tapped.tap.flow <= LINTEL_TAP_IN);
    struct lintel_tape *t = lintel_tape_read("fuzz", data, size, reason);
    LINTEL_ASSERT(t == NULL || (t->last - t->first) / (INT64_C(24) * 3600 * 1000000000) <=
                                   LINTEL_TAPE_DAYS_MOST);
    for (uint32_t i = 0; t != NULL && i < t->n; i++) {
        const lintel_tap *m = &t->messages[i];
        LINTEL_ASSERT(i == 0 || t->messages[i - 1].when <= m->when);
        if (m->flow != LINTEL_TAP_OUT || m->n == 0)
            continue;
        LINTEL_ASSERT(lintel_tape_find(t, m, m->when, &answer) != NULL);
        LINTEL_ASSERT(answer == NULL || answer->when >= t->first);
    }
    lintel_tape_free(t);
    return 0;
}
