#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Allocations that fail under requests, a sample of 2 x 6 s, always in the same order. The long form is ./setup soak.
LINTEL_SEED=${LINTEL_SEED:-1} exec "${LINTEL_SRCDIR:?}/tests/soak/starved.sh" 6
