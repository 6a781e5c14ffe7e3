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
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return "contains a control character";
        if (*c != '+' && *c != '#')
            continue;
        if (!wildcards)
            return "contains a wildcard (+ or #), which is for reading only";
        if ((c != topic && c[-1] != '/') || (c[1] != '\0' && c[1] != '/'))
            return "has a wildcard that is no level of its own (write a/+/b or a/#)";
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
    for (;;) { /* one level each time */
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
            return filter[1] == '#';
        if (*name != '/')
            return 0;
        filter++;
        name++;
    }
}

static const char *
skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* What is behind the text at p; NULL if something else stands there. */
static const char *
skip_text(const char *p, const char *end, const char *text, size_t n)
{
    return (size_t)(end - p) >= n && memcmp(p, text, n) == 0 ? p + n : NULL;
}

/* `: "word"`, behind the name of the member. */
static int
member_is(const char *p, const char *end, const char *word)
{
    p = skip_text(skip_blanks(p, end), end, ":", 1);
    if (p != NULL)
        p = skip_text(skip_blanks(p, end), end, "\"", 1);
    if (p != NULL)
        p = skip_text(p, end, word, strlen(word));
    return p != NULL && skip_text(p, end, "\"", 1) != NULL;
}

int
mqtt_availability_is(const void *payload, size_t n, const char *word)
{
    static const char member[] = "\"state\"";
    if (n == 0)
        return 0;
    const char *p = payload, *end = p + n, *found;
    p = skip_blanks(p, end);
    while (end > p && skip_blanks(end - 1, end) == end)
        end--;
    if (p == end || *p != '{')
        return (size_t)(end - p) == strlen(word) && memcmp(p, word, (size_t)(end - p)) == 0;
    while ((found = memmem(p, (size_t)(end - p), member, sizeof member - 1)) != NULL) {
        p = found + sizeof member - 1;
        if (member_is(p, end, word))
            return 1;
    }
    return 0;
}
