/* SPDX-License-Identifier: Apache-2.0
 * A byte stream cut at any places: the frames are the same as when it comes at once. The first byte
 * says how it is cut, the rest is the stream. */
#include "core/loop/frames.h"

#include <string.h>

#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t frames, sum;
};

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct seen *s = ctx;
    s->frames++;
    for (size_t i = 0; i < n; i++)
        s->sum = s->sum * 31 + data[i];
    return n != 0 && data[0] == 0xff; /* some are refused */
}

static int
feed(const uint8_t *data, size_t size, size_t step, struct seen *ret)
{
    struct lintel_splitter s = {0};
    const char *reason = NULL;
    for (size_t at = 0; at < size && reason == NULL;) {
        size_t room = 0;
        unsigned char *p = lintel_splitter_space(&s, &room);
        LINTEL_ASSERT(p != NULL && room > 0);
        size_t n = step < room ? step : room;
        n = n < size - at ? n : size - at;
        memcpy(p, data + at, n);
        at += n;
        reason = lintel_splitter_take(&s, n, on_frame, ret);
    }
    lintel_splitter_fini(&s);
    return reason != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct seen once = {0}, pieces = {0};
    int first = feed(data + 1, size - 1, SIZE_MAX, &once);
    int second = feed(data + 1, size - 1, (size_t)data[0] + 1, &pieces);
    LINTEL_ASSERT(first == second && once.frames == pieces.frames && once.sum == pieces.sum);
    return 0;
}
