#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Allocations that fail under requests, a sample of 2 x 6 s. The long form is ./setup soak.
exec "${LINTEL_SRCDIR:?}/tests/soak/starved.sh" 6
