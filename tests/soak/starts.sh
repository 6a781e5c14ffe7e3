#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/integration/starts.sh with as many places as SECONDS allow, others each time.
LINTEL_SEED=${LINTEL_SEED:-$RANDOM} LINTEL_RUNS=$((${1:-120} / 2)) exec "${LINTEL_SRCDIR:?}/tests/integration/starts.sh"
