/* SPDX-License-Identifier: Apache-2.0
 * What a plugin's tables say, as a digest: settings and addresses that were parsed by one plugin
 * fit another one whose tables say the same. The version of a plugin is no part of it. */
#ifndef LINTEL_BIND_TABLES_H
#define LINTEL_BIND_TABLES_H
#include "lintel/plugin.h"

enum { LINTEL_TABLES = 16 };
/* The three tables with their defaults and limits, and what else the reading of a site depends on:
 * flags, unit of address, natural type. -1: out of memory. Any thread. */
int lintel_plugin_tables(const lintel_plugin *p, uint8_t ret[LINTEL_TABLES]);
/* Whether two plugins' tables say the same; 0 also without memory to find out. */
int lintel_plugin_same_tables(const lintel_plugin *a, const lintel_plugin *b);
#endif
