#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deaths of the daemon and its children at random moments, for 15 s. The long form is ./setup soak.
exec "${LINTEL_SRCDIR:?}/tests/soak/chaos.sh" 15
