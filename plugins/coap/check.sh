#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite: those of its checks that are for transports, on a free port of loopback.
build=${LINTEL_BUILDDIR:?}
exec "$build/bin/lintel-plugin-check" "$build/plugins/coap/coap.so" --set 'listen=coap://127.0.0.1:{port}'
