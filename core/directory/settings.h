/* SPDX-License-Identifier: Apache-2.0
 * The section directory: of lintel.yaml: policies and limits of the resource directory. Immutable
 * once read by core/bind; they live as long as their site. */
#ifndef LINTEL_DIRECTORY_SETTINGS_H
#define LINTEL_DIRECTORY_SETTINGS_H
#include <stdint.h>

#include "lintel/transport.h"

enum lintel_directory_policy { /* in the order of the setting's choices */
                               LINTEL_DIRECTORY_FIRST_COME,
                               LINTEL_DIRECTORY_BOUND,
                               LINTEL_DIRECTORY_OPEN
};
struct lintel_directory_sector {
    const char *name;
    enum lintel_directory_policy policy;
};
struct lintel_directory_refusal { /* links that some may not register */
    uint32_t nwho, nlinks;
    const char *const *who; /* identities, roles, "anybody" */
    lintel_span *links;     /* criteria; a link that meets all of them is refused */
};
struct lintel_directory_conf {
    const char *sector; /* default of d */
    enum lintel_directory_policy policy;
    int keep, lwm2m_objects;
    uint32_t per_client, max_registrations, nsectors, nrefusals;
    uint64_t max_links, max_answer; /* max_answer in bytes */
    struct lintel_directory_sector *sectors;
    struct lintel_directory_refusal *refusals;
};
#endif
