/* SPDX-License-Identifier: Apache-2.0
 * The silence between two frames. A file of its own, so that a test on a fake clock can do without
 * it. */
#ifndef LINTEL_MODBUS_PAUSE_H
#define LINTEL_MODBUS_PAUSE_H
#include "lintel/plugin.h"

void mb_pause(const lintel_host *h, lintel_mono ns);
#endif
