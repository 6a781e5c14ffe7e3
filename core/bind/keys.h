/* SPDX-License-Identifier: Apache-2.0
 * The hub's own keys in people's files, as field tables like those of plugins. */
#ifndef LINTEL_BIND_KEYS_H
#define LINTEL_BIND_KEYS_H
#include <stddef.h>

#include "core/bind/field.h"

extern const lintel_field lintel_hub_table[];       /* hub: of lintel.yaml */
extern const lintel_field lintel_port_table[];      /* of each bus and transport */
extern const lintel_field lintel_context_table[];   /* of each sdfContext */
extern const lintel_field lintel_pace_table[];      /* of each protocol map that is read */
extern const lintel_field lintel_identity_table[];  /* of each member of identities: */
extern const lintel_field lintel_directory_table[]; /* directory: of lintel.yaml */
extern const lintel_field lintel_refusal_table[];   /* of each row of directory: refuse: */
extern const lintel_field lintel_right_table[];     /* of each row of rights: */
extern const lintel_field lintel_audit_table[];     /* audit: of lintel.yaml */
/* Order of the rows. */
enum { LINTEL_HUB_NAME };
enum {
    LINTEL_DIRECTORY_SECTOR,
    LINTEL_DIRECTORY_POLICY,
    LINTEL_DIRECTORY_KEEP,
    LINTEL_DIRECTORY_PER_CLIENT,
    LINTEL_DIRECTORY_REGISTRATIONS,
    LINTEL_DIRECTORY_LINKS,
    LINTEL_DIRECTORY_ANSWER,
    LINTEL_DIRECTORY_LWM2M
};
enum { LINTEL_REFUSAL_WHO, LINTEL_REFUSAL_LINKS };
enum { LINTEL_PORT_PLUGIN, LINTEL_PORT_ISOLATION, LINTEL_PORT_LOG, LINTEL_PORT_MEMORY };
enum {
    LINTEL_CONTEXT_BUS,
    LINTEL_CONTEXT_ZONE,
    LINTEL_CONTEXT_LOCATION,
    LINTEL_CONTEXT_TAGS,
    LINTEL_CONTEXT_LABEL
};
enum { LINTEL_PACE_POLL, LINTEL_PACE_STALE, LINTEL_PACE_DEADBAND };
enum {
    LINTEL_IDENTITY_ROLES,
    LINTEL_IDENTITY_PSK,
    LINTEL_IDENTITY_PSK_IDENTITY,
    LINTEL_IDENTITY_CERTIFICATE,
    LINTEL_IDENTITY_ISSUER
};
enum { LINTEL_RIGHT_WHO, LINTEL_RIGHT_ZONES, LINTEL_RIGHT_MAY };
enum { LINTEL_AUDIT_RECORDS, LINTEL_AUDIT_DAYS };

/* Keys of a protocol map that are neither the plugin's nor the codec's nor the pace's: read write
 * sdfParameters. */
extern const char *const lintel_map_keys[];

/* Whether a plugin's three tables keep the rules, and reuse no key of the hub's. 0, or -1 with the
 * reason. */
int lintel_plugin_judge(const lintel_plugin *p, char *reason, size_t size);

/* [A-Za-z0-9][A-Za-z0-9._-]{0,62}: thingIds, names of hubs, shared processes, models. */
int lintel_is_id(const char *s);
#endif
