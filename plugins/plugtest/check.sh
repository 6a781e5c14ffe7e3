#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite: those of its checks that are for plugins with resources of their own.
build=${LINTEL_BUILDDIR:?}
exec "$build/bin/lintel-plugin-check" "$build/plugins/plugtest/plugtest.so"
