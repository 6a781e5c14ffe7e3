#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite, with a broker that keeps a value.
build=${LINTEL_BUILDDIR:?}
PATH=$PATH:/usr/sbin
export PATH
exec "$build/bin/lintel-plugin-check" "$build/plugins/mqtt/mqtt.so" --set 'broker=mqtt://127.0.0.1:{port}' \
    --set username=hub --device topic=plant --address topic=level --sim '
        mosquitto -p {port} &
        until mosquitto_pub -p {port} -r -t plant/level -m 21 2>&1; do sleep 0.1; done
        wait'
