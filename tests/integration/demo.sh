#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a newcomer does with the demo building, and sees.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
export LINTEL_DEMO_DIR=$here/demo LINTEL_RUN=$here/demo/run LINTEL_DEMO_PORT
LINTEL_DEMO_PORT=$(free_port)
base=coap://[::1]:$LINTEL_DEMO_PORT

start demo "$source_dir/tests/sim/demo" "$build"
demo_pid=$pid
wait_log demo 'Ctrl-C ends all of it' || { not_ok "the demo starts"; finish; }
ok "the demo starts"

says "the hub's links name the things" '</d/main-meter>' coap "$base/.well-known/core"
soon "a meter of one make" '^[0-9.]+$' coap "$base/d/main-meter/EnergyMeter/p/activePower"
soon "a meter of another make, by the same model" '^[0-9.]+$' coap "$base/d/tenant-meter/EnergyMeter/p/activePower"
says "the same over IPv4" '^[0-9.]+$' coap "coap://127.0.0.1:$LINTEL_DEMO_PORT/d/main-meter/EnergyMeter/p/activePower"
says "SenML has name, unit and time" '"bn":"demo:main-meter/|"n":"demo:main-meter/' coap -A 110 "$base/d/main-meter/EnergyMeter/p/activePower"
soon "the heat pump's set point can be read" '^[0-9.]+$' coap "$base/d/heat-pump/HeatPump/p/setPoint"
says_not "a set point is written" '4\.|5\.' coap -m put -t 50 -e 48.5 "$base/d/heat-pump/HeatPump/p/setPoint"
soon "and reads back" '^48\.5$' coap "$base/d/heat-pump/HeatPump/p/setPoint"
says "out of range is refused with the reason" '4\.22.*maximum' coap -m put -t 50 -e 480 "$base/d/heat-pump/HeatPump/p/setPoint"
says "a wrong type is refused with the reason" '4\.00' coap -m put -t 50 -e '"warm"' "$base/d/heat-pump/HeatPump/p/setPoint"
says "read-only is refused with the reason" '4\.05.*read-only' coap -m put -t 50 -e 1 "$base/d/main-meter/EnergyMeter/p/activePower"
says "a typo gets the nearest name" 'did you mean activePower' coap "$base/d/main-meter/EnergyMeter/p/activePowr"
streams "the lamp is observed" 'true' coap-client-notls -B 30 -s 30 "$base/d/lamp-1/Lamp/p/on"
soon "the dead unit says so" '5\.0[34]' coap "$base/d/dead-meter/EnergyMeter/p/activePower"
soon "the unit with exceptions says so" '5\.02' coap "$base/d/odd-meter/EnergyMeter/p/activePower"

says "models are listed" '</models/volta-m3>;ct="434 50 433"' coap "$base/models"
model=$(coap -A 434 "$base/models/volta-m3")
exits "a model is one SDF document, references followed, binding merged in" 0 python3 -c '
import json, sys
p = json.loads(sys.argv[1])["sdfObject"]["EnergyMeter"]["sdfProperty"]["activePower"]
assert p["unit"] == "W" and p["sdfProtocolMap"]["modbus"]["address"] == 100, p' "$model"
says "a model that nobody uses" '4\.04.*GET /models' coap "$base/models/none"

says "things shows the building" '^heat-pump +heat-pump|heat-pump' lintel things
exits "things as JSON" 0 bash -c '"$1" --json things | python3 -m json.tool >/dev/null' - "$build/bin/lintel"
says "get shows values with units" 'activePower +[0-9.]+ +W +good' lintel get main-meter
says "get of one property is that value" '^[0-9.]+ W$' lintel get main-meter/activePower
exits "set" 0 lintel set heat-pump/setPoint 46
soon "set has set" '^46 Cel$' lintel get heat-pump/setPoint
says "set out of range" 'above the maximum' lintel set heat-pump/setPoint 460
says "a thing that nobody knows" 'no thing.*did you mean' lintel get mian-meter
streams "watch follows" 'lamp-1/Lamp/on +(true|false)' "$build/bin/lintel" watch lamp-1
says "status shows the buses" 'line-1 +modbus +process' lintel status
says "status shows what is wrong" 'dead-meter' lintel status
exits "no table is wider than the terminal" 0 bash -c \
    'COLUMNS=80 "$1" status | awk "length > 80 { exit 1 }" && COLUMNS=80 "$1" things | awk "length > 80 { exit 1 }" && COLUMNS=80 "$1" get | awk "length > 80 { exit 1 }"' - "$build/bin/lintel"
exits "the action is invoked" 0 lintel invoke lamp-1/identify
exits "the demo's site is good" 0 lintel check "$here/demo/site"

kill "$demo_pid"
wait "$demo_pid" 2>/dev/null
left=$(ps -eo args | grep -F "$here" | grep -v grep)
if [ -z "$left" ]; then ok "its end leaves nothing running"; else not_ok "its end leaves nothing running" "$left"; fi
finish
