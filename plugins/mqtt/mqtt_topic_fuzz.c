/* SPDX-License-Identifier: Apache-2.0
 * Input: a filter, a NUL, and what comes from outside: a topic name, also taken as an availability
 * message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/mqtt/mqtt_topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Straight from section 4.7, level by level, to compare with. */
static int
matches_slowly(const char *filter, const char *name, const char *end)
{
    const char *f = strchr(filter, '/'), *n = memchr(name, '/', (size_t)(end - name));
    size_t nf = f ? (size_t)(f - filter) : strlen(filter), nn = (size_t)((n ? n : end) - name);
    if (nf == 1 && filter[0] == '#')
        return 1;
    if (!(nf == 1 && filter[0] == '+') && (nf != nn || memcmp(filter, name, nf) != 0))
        return 0;
    if (f == NULL || n == NULL)
        return f == NULL ? n == NULL : strcmp(f, "/#") == 0;
    return matches_slowly(f + 1, n + 1, end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, '\0', size);
    char joined[MQTT_TOPIC_MOST];
    if (nul == NULL)
        return 0;
    const char *filter = (const char *)data;
    size_t n = size - (size_t)(nul - data) - 1;
    /* An exact copy, so that a read beyond its end is seen. */
    char *name = malloc(n ? n : 1);
    if (name == NULL)
        return 0;
    memcpy(name, nul + 1, n);
    if (mqtt_topic_wrong(filter, 1) == NULL) {
        int wild_start = filter[0] == '+' || filter[0] == '#';
        int expected =
            !(wild_start && n > 0 && name[0] == '$') && matches_slowly(filter, name, name + n);
        if (mqtt_topic_matches(filter, name, n) != expected)
            abort();
        if (mqtt_topic_wrong(filter, 0) == NULL && mqtt_topic_has_wildcard(filter))
            abort();
        if (mqtt_topic_join(joined, "base", filter) == 0 && strlen(joined) >= MQTT_TOPIC_MOST)
            abort();
    }
    if (mqtt_availability_is(name, n, "online") && mqtt_availability_is(name, n, "offline") &&
        memchr(name, '{', n) == NULL)
        abort();
    free(name);
    return 0;
}
