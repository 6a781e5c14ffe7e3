/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_topic.h"

#include <stdio.h>
#include <string.h>

int
mqtt_topic_join(char out[MQTT_TOPIC_MOST], const char *base, const char *relative)
{
    int n;
    if (relative[0] == '/')
        n = snprintf(out, MQTT_TOPIC_MOST, "%s", relative + 1);
    else if (relative[0] == '\0')
        n = snprintf(out, MQTT_TOPIC_MOST, "%s", base);
    else
        n = snprintf(out, MQTT_TOPIC_MOST, "%s/%s", base, relative);
    return n >= 0 && n < MQTT_TOPIC_MOST ? 0 : -1;
}

int
mqtt_topic_has_wildcard(const char *topic)
{
    return strpbrk(topic, "+#") != NULL;
}

const char *
mqtt_topic_wrong(const char *topic, int wildcards)
{
    size_t n = strlen(topic);
    if (n == 0)
        return "is empty";
    if (n >= MQTT_TOPIC_MOST)
        return "is longer than 1,023 bytes";
    for (const char *c = topic; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20)
            return "contains a control character";
        if (*c != '+' && *c != '#')
            continue;
        if (!wildcards)
            return "contains a wildcard (+ or #), which is for reading only";
        if ((c != topic && c[-1] != '/') || (c[1] != '\0' && c[1] != '/'))
            return "has a wildcard that is no level of its own (a/+/b, a/#)";
        if (*c == '#' && c[1] != '\0')
            return "goes on behind #";
    }
    return NULL;
}

int
mqtt_topic_matches(const char *filter, const char *name, size_t n)
{
    const char *end = name + n;
    if (n > 0 && name[0] == '$' && (filter[0] == '+' || filter[0] == '#'))
        return 0;
    for (;;) {
        if (filter[0] == '#')
            return 1;
        if (filter[0] == '+') {
            while (name < end && *name != '/')
                name++;
            filter++;
        } else {
            while (name < end && *filter != '\0' && *filter != '/' && *name == *filter) {
                name++;
                filter++;
            }
        }
        if (*filter == '\0')
            return name == end;
        if (*filter != '/')
            return 0;
        if (name == end) /* "a/#" also matches "a" */
            return filter[1] == '#' && filter[2] == '\0';
        if (*name != '/')
            return 0;
        filter++;
        name++;
    }
}
