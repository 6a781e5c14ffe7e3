/* SPDX-License-Identifier: Apache-2.0
 * The release's number, from configure. */
#ifndef LINTEL_DAEMON_VERSION_H
#define LINTEL_DAEMON_VERSION_H
#include "config.h"
#define LINTEL_VERSION PACKAGE_VERSION
#endif
