#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SenML through a whole hub: FETCH, iPATCH and conditional Observe by coap-client, against Modbus devices of which one
# refuses a register, and against another decoder of CBOR.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port)
base=coap://[::1]:$port
python=/usr/bin/python3
mkdir -p "$site"/{models,bindings,things}

mkfifo "$here/alive"
exec 9<>"$here/alive"
# Unit 1: register 40 can be read (input), but not written (there is no holding register 40). Unit 2 is dead, 3 changes.
start sim "$build/tests/sim/modbus_sim" --tcp 0 \
    --unit 1 holding:0=u16:215 holding:10=u16:50 holding:20=u16:3 input:40=u16:7 holding:60=u16:1234 \
    --unit 2 holding:0=u16:1 fault=dead \
    --unit 3 holding:0=u16:100~ramp:10 holding:60=u16:5 <"$here/alive"
wait_log sim '^ready tcp' || { not_ok "the simulator starts"; finish; }
tcp=$(sed -n 's/^ready tcp //p' "$here/sim.log")
cat >"$site/lintel.yaml" <<FILE
hub: { name: plant-7 }
buses:
  cellar: { plugin: modbus, transport: tcp, host: 127.0.0.1, port: $tcp, timeout: 300 }
transports:
  coap: { plugin: coap, listen: ["$base"] }
FILE
cat >"$site/models/heater.sdf.yaml" <<'FILE'
info: { title: "Heater", version: "1.0.0", license: CC0-1.0 }
namespace: { heater: "https://example.com/models/heater" }
defaultNamespace: heater
sdfObject:
  Heater:
    sdfProperty:
      temperature: { type: number, unit: Cel, writable: false }
      limit: { type: integer, unit: W, minimum: 0, maximum: 60000 }
      stage: { type: integer, minimum: 0, maximum: 9 }
      locked: { type: integer }
      hours: { type: integer, writable: false }
FILE
cat >"$site/bindings/acme-heater.sdf-supplement.yaml" <<'FILE'
info: { title: "Heater", version: "1.0.0" }
namespace: { heater: "https://example.com/models/heater" }
defaultNamespace: heater
amend:
  - "#/sdfObject/Heater/sdfProperty/temperature": { sdfProtocolMap: { modbus: { address: 0, type: u16, scale: 0.1, poll: 0.5 } } }
  - "#/sdfObject/Heater/sdfProperty/limit": { sdfProtocolMap: { modbus: { address: 10, type: u16, poll: 0.5 } } }
  - "#/sdfObject/Heater/sdfProperty/stage": { sdfProtocolMap: { modbus: { address: 20, type: u16, poll: 0.5 } } }
  - "#/sdfObject/Heater/sdfProperty/locked":
      sdfProtocolMap:
        modbus:
          read: { table: input, address: 40, type: u16, poll: 0.5 }
          write: { table: holding, address: 40, type: u16 }
  - "#/sdfObject/Heater/sdfProperty/hours": { sdfProtocolMap: { modbus: { address: 60, type: u16, poll: 0 } } }
FILE
cat >"$site/things/all.yaml" <<'FILE'
- { thingId: boiler, sdfInstanceOf: { model: acme-heater }, sdfContext: { bus: cellar, unit: 1, zone: heat } }
- { thingId: gone, sdfInstanceOf: { model: acme-heater }, sdfContext: { bus: cellar, unit: 2, zone: heat } }
- { thingId: ramp, sdfInstanceOf: { model: acme-heater }, sdfContext: { bus: cellar, unit: 3, zone: heat } }
FILE
exits "the site is good" 0 lintel check "$site"
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "the boiler has values" '^21.5' lintel get boiler/temperature
soon "and a locked one" '^7$' lintel get boiler/locked
s=$base/d/boiler/s

# FETCH
fetch() { coap -m fetch -t 320 -e "$1" "$s" "${@:2}"; }
says "FETCH gives what is asked for, in that order" \
    '^\[\{"bn":"plant-7:boiler/",.*"n":"Heater/stage","v":3,.*"n":"Heater/temperature","u":"Cel","v":21.5,[^}]*\}\]$' \
    fetch '[{"n":"Heater/stage"},{"bn":"plant-7:boiler/","n":"Heater/temperature"},{"n":"Heater/stage"}]'
says "what nobody polls is read for it" '"n":"Heater/hours","v":1234' fetch '[{"n":"Heater/hours"},{"n":"Heater/limit"}]'
says "in blocks, both ways" '"n":"Heater/limit".*"n":"Heater/stage".*"n":"Heater/temperature"' \
    coap -b 64 -m fetch -t 320 \
    -e '[{"n":"Heater/limit"},{"n":"Heater/stage"},{"bn":"plant-7:boiler/","n":"Heater/temperature"}]' "$s"
says "no match is an empty pack" '^\[\]$' fetch '[{"n":"Heater/nothing"}]'
says "a selector has no value" '4\.22.*record 1: "v" does not select' fetch '[{"n":"Heater/stage","v":1}]'
says "a broken one" '4\.00' fetch '[{"n":'
says "another format" '4\.15' coap -m fetch -t 50 -e '[{"n":"Heater/stage"}]' "$s"
says "no format" '4\.00' coap -m fetch -e '[{"n":"Heater/stage"}]' "$s"
says "the dead device's value was never read" '5\.0[34].*Heater/hours: ' \
    coap -m fetch -t 320 -e '[{"n":"Heater/hours"}]' "$base/d/gone/s"

# iPATCH, PATCH
patch() { coap -m ipatch -t 320 -e "$1" "$s" "${@:2}"; }
says_not "several are written at once" '[45]\.[0-9]' \
    patch '[{"bn":"plant-7:boiler/","n":"Heater/limit","u":"kW","v":1.5},{"n":"Heater/stage","v":4}]'
says "one is there" '^1500' lintel get boiler/limit
says "the other, too" '^4$' lintel get boiler/stage
says "PATCH is the same" '"n":"Heater/stage","v":5' coap -m patch -t 320 -A 110 -e '[{"n":"Heater/stage","v":5}]' "$s"
says "out of range: nothing is written" '4\.22.*nothing was written: record 2 \(Heater/stage\): ' \
    patch '[{"n":"Heater/limit","v":1},{"n":"Heater/stage","v":10}]'
says "an unknown one: nothing is written" '4\.22.*record 2 \(Heater/stag\).*did you mean Heater/stage' \
    patch '[{"n":"Heater/limit","v":1},{"n":"Heater/stag","v":1}]'
says "a read-only one" '4\.22.*record 2 \(Heater/temperature\): it is read-only' \
    patch '[{"n":"Heater/limit","v":1},{"n":"Heater/temperature","v":1}]'
says "one twice" '4\.09.*record 2' patch '[{"n":"Heater/limit","v":1},{"n":"Heater/limit","v":2}]'
says "a wrong unit" '4\.22.*record 2 \(Heater/limit\).*Cel' patch '[{"n":"Heater/stage","v":1},{"n":"Heater/limit","u":"Cel","v":2}]'
says "removal" "4\.22.*can't be removed" patch '[{"n":"Heater/stage","v":null}]'
says "of all these, nothing" '^1500' lintel get boiler/limit
says "nor that" '^5$' lintel get boiler/stage
says "the device refuses one: it is named, the others are written" \
    '5\.02.*2 of 3 were written; record 2 \(Heater/locked\): .*exception 2' \
    patch '[{"n":"Heater/limit","v":1600},{"n":"Heater/locked","v":1},{"n":"Heater/stage","v":6}]'
says "before it" '^1600' lintel get boiler/limit
says "behind it" '^6$' lintel get boiler/stage
says "it is as it was" '^7$' lintel get boiler/locked
says "as a pack, it carries the error" '"n":"Heater/locked","v":7,[^}]*"error":"[^"]*exception 2' \
    patch '[{"n":"Heater/locked","v":1},{"n":"Heater/stage","v":6}]' -A 110
says "a device that is away gets nothing" '5\.0[34].*nothing was written: record 1' \
    coap -m ipatch -t 320 -e '[{"n":"Heater/limit","v":1},{"n":"Heater/stage","v":1}]' "$base/d/gone/s"
says "the log has each of them" 'command: .* wrote boiler/Heater/p/limit: 50 -> 1500: ok' cat "$here/linteld.log"
says "and the refused" 'wrote boiler/Heater/p/locked: 7 -> 1: .*exception 2' cat "$here/linteld.log"
says "a pack is not put" '4\.05.*iPATCH' coap -m put -t 110 -e '[]' "$s"

# Observe
timeout 20 coap-client-notls -B 4 -s 3 -m fetch -t 320 -e '[{"n":"Heater/temperature"}]' "$base/d/ramp/s?c.st=0.5" \
    >"$here/observed" 2>&1
says "a selection is observed" '"n":"Heater/temperature","v":[0-9.]+.*"n":"Heater/temperature","v"' \
    tr '\n' ' ' <"$here/observed"
says_not "only what was selected" 'limit|stage' cat "$here/observed"
says "an unknown condition" '4\.00.*c\.pmin' coap -s 1 -m get "$base/d/ramp/Heater/p/temperature?c.pmn=1"
says "a wrong value" '4\.00.*c\.pmin' coap -s 1 -m get "$base/d/ramp/Heater/p/temperature?c.pmin=0"

# Another decoder and encoder
if "$python" -c 'import cbor2' 2>/dev/null; then
    says "5,000 random packs read the same with cbor2" ' 0 differ' "$python" "$source_dir/core/serve/senml_diff.py" \
        "$build/core/serve/senml_cat"
    "$python" -c 'import cbor2, sys
sys.stdout.buffer.write(cbor2.dumps([{-2: "plant-7:boiler/", 0: "Heater/temperature"}, {0: "Heater/limit"}]))' >"$here/fetch.cbor"
    coap -m fetch -t 322 -f "$here/fetch.cbor" -o "$here/pack.cbor" "$s" >"$here/never"
    says "a FETCH made and read by cbor2" "\[\('Heater/temperature', 'Cel', 21.5\), \('Heater/limit', 'W', 1600\)\]" \
        "$python" -c 'import cbor2, sys
pack = cbor2.load(open(sys.argv[1], "rb"))
print([(r[0], r.get(1, r.get(-4)), r[2]) for r in pack])' "$here/pack.cbor"
    "$python" -c 'import cbor2, sys
from decimal import Decimal
sys.stdout.buffer.write(cbor2.dumps([{0: "Heater/limit", 2: Decimal("17e2")}, {0: "Heater/stage", 2: 2}]))' >"$here/patch.cbor"
    says_not "an iPATCH with a decimal fraction" '[45]\.[0-9]' coap -m ipatch -t 322 -f "$here/patch.cbor" "$s"
    says "it was written" '^1700' lintel get boiler/limit
else
    echo "# python3-cbor2 is missing: left out"
fi
finish
