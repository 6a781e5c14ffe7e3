/* SPDX-License-Identifier: Apache-2.0
 * Topic names and filters (MQTT 3.1.1 section 4.7), and what stands on an availability topic: pure
 * functions. */
#ifndef LINTEL_PLUGINS_MQTT_TOPIC_H
#define LINTEL_PLUGINS_MQTT_TOPIC_H
#include <stddef.h>

enum { MQTT_TOPIC_MOST = 1024 }; /* bytes with the NUL; the protocol would allow 65,535 */

/* base + "/" + relative; "" is base itself; a relative one that starts with "/" stands for itself,
 * without that slash. -1: too long. */
int mqtt_topic_join(char out[MQTT_TOPIC_MOST], const char *base, const char *relative);
/* NULL if it is a good filter (wildcards: 1) or name (wildcards: 0), else what is wrong with it. */
const char *mqtt_topic_wrong(const char *topic, int wildcards);
int mqtt_topic_has_wildcard(const char *topic);
/* Whether a name of n bytes is under a good filter. A wildcard at the start does not match names
 * that begin with "$". */
int mqtt_topic_matches(const char *filter, const char *name, size_t n);

/* Whether an availability message says the word: alone, or as the member `state` of a JSON object.
 */
int mqtt_availability_is(const void *payload, size_t n, const char *word);
#endif
