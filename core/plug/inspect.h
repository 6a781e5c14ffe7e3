/* SPDX-License-Identifier: Apache-2.0
 * What a plugin says of itself, as JSON. Threads: any. */
#ifndef LINTEL_PLUG_INSPECT_H
#define LINTEL_PLUG_INSPECT_H
#include "core/base/text.h"
#include "lintel/plugin.h"

/* One object: name, version, summary, flags, needs, and each table as a list of rows. */
void lintel_inspect_json(const lintel_plugin *p, struct lintel_buf *out);
/* {"file": .., "abi": "1.0", "plugins": [..]} */
void lintel_inspect_entry(const lintel_entry *e, const char *file, struct lintel_buf *out);
#endif
