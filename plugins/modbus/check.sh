#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite, over TCP with a simulated device and on a serial line without.
build=${LINTEL_BUILDDIR:?}
check() { "$build/bin/lintel-plugin-check" "$build/plugins/modbus/modbus.so" "$@"; }
check --set host=127.0.0.1 --set 'port={port}' --address 'address={n}' --device unit=1 \
    --sim "$build/tests/sim/modbus_sim --tcp {port} --unit 1 'holding:0=u16:7*500'" || exit 1
check --set transport=rtu --set 'device={line}' --set baud=115200 --address 'table=input,address={n}'
