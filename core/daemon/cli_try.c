/* SPDX-License-Identifier: Apache-2.0 */
#include "core/daemon/cli.h"
int cli_try(struct cli *c) { (void)c; return CLI_USAGE; }
