/* SPDX-License-Identifier: Apache-2.0
 * Recordings in the tests of bindings: the functions that core/bind/site.h asks for. */
#ifndef LINTEL_PLUG_TAPED_H
#define LINTEL_PLUG_TAPED_H
#include "core/bind/site.h"
#include "core/plug/tape.h"

extern const struct lintel_site_player lintel_player;

/* The settings of the recorded bus, one a row of plugin->bus; secrets are not among them. NULL: the
 * recording does not tell them, or with reasons in the report. */
const lintel_value *lintel_tape_settings(const struct lintel_tape *t, const lintel_plugin *p,
                                         struct lintel_arena *a, struct lintel_report *report);
#endif
