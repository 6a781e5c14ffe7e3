#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lintel check: a typo in any of the four kinds of file is told with its place, the reason and the nearest valid word.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site

# The site of the tutorial: one of each kind of file.
fresh() {
    rm -rf "$site"
    mkdir -p "$site"/{models,bindings,things}
    cat >"$site/lintel.yaml" <<'FILE'
hub: { name: plant-7 }
buses:
  basement:
    plugin: modbus
    transport: tcp
    host: 127.0.0.1
    port: 1502
transports:
  coap: { plugin: coap, listen: ["coap://[::1]:5683"] }
FILE
    cat >"$site/models/pump.sdf.yaml" <<'FILE'
info: { title: "Pump", version: "1.0.0", license: CC0-1.0 }
namespace: { pump: "https://example.com/models/pump" }
defaultNamespace: pump
sdfObject:
  Pump:
    sdfProperty:
      speed: { type: number, unit: "%", minimum: 20, maximum: 100 }
      fault: { type: boolean, writable: false }
FILE
    cat >"$site/bindings/cp7.sdf-supplement.yaml" <<'FILE'
info: { title: "CP-7", version: "1.0.0" }
namespace: { pump: "https://example.com/models/pump" }
defaultNamespace: pump
amend:
  - "#/sdfObject/Pump/sdfProperty/speed":
      sdfProtocolMap: { modbus: { table: holding, address: 0, type: u16, scale: 0.1 } }
  - "#/sdfObject/Pump/sdfProperty/fault":
      sdfProtocolMap: { modbus: { table: discrete, address: 0 } }
"lintel:tests":
  - given:  { modbus: { holding: { 0: "02 EE" }, discrete: { 0: 1 } } }
    expect: { speed: 75, fault: true }
FILE
    cat >"$site/things/pump.yaml" <<'FILE'
- thingId: pump-1
  sdfInstanceOf: { model: cp7 }
  sdfContext: { bus: basement, unit: 7, zone: heating }
FILE
}
# typo NAME FILE FROM TO PATTERN [ERRORS]
typo() {
    fresh
    sed -i "s|$3|$4|" "$site/$2"
    if grep -qF -- "$4" "$site/$2"; then says "$1" "$5" lintel check "$site"; else not_ok "$1: the typo was not planted"; fi
    [ -z "${6-}" ] || says "$1: told once" "refused, $6 error" lintel check "$site"
}

fresh
says "the site is good" 'good. 1 thing with 2 points on 1 bus, 1 transport' lintel check "$site"
exits "and the status says so" 0 lintel check "$site"

typo "lintel.yaml: a key" lintel.yaml 'host:' 'hsot:' 'lintel.yaml:6:5: error: .*hsot.*host' 1
typo "lintel.yaml: a plugin" lintel.yaml 'plugin: modbus' 'plugin: modbsu' 'lintel.yaml:4:13: error: .*modbsu.*modbus' 1
typo "lintel.yaml: a choice" lintel.yaml 'transport: tcp' 'transport: tpc' 'lintel.yaml:5:16: error: .*tpc.*tcp' 1
typo "lintel.yaml: a range" lintel.yaml '1502' '150200' 'lintel.yaml:7:11: error: .*65,?535' 1
typo "lintel.yaml: a section" lintel.yaml 'buses:' 'busses:' 'lintel.yaml:2:1: error: .*busses.*buses'
typo "model: a quality" models/pump.sdf.yaml 'minimum' 'minimun' 'pump.sdf.yaml:7:[0-9]+: error: .*minimun.*minimum'
typo "model: a type" models/pump.sdf.yaml 'boolean' 'bolean' 'pump.sdf.yaml:8:[0-9]+: error: .*bolean.*boolean'
typo "model: a kind of affordance" models/pump.sdf.yaml 'sdfProperty' 'sdfPropety' 'pump.sdf.yaml:6:5: error: .*sdfPropety.*sdfProperty'
typo "binding: a property" bindings/cp7.sdf-supplement.yaml 'sdfProperty/speed' 'sdfProperty/sped' 'cp7.sdf-supplement.yaml:5:[0-9]+: error: .*sped.*speed' 1
typo "binding: an address key" bindings/cp7.sdf-supplement.yaml 'address: 0, type' 'adress: 0, type' 'cp7.sdf-supplement.yaml:6:[0-9]+: error: .*adress.*address' 1
typo "binding: a wire type" bindings/cp7.sdf-supplement.yaml 'u16' 'u61' 'cp7.sdf-supplement.yaml:6:[0-9]+: error: .*u61.*u16' 1
typo "binding: a codec key" bindings/cp7.sdf-supplement.yaml 'scale' 'sclae' 'cp7.sdf-supplement.yaml:6:[0-9]+: error: .*sclae.*scale' 1
typo "binding: its test fails" bindings/cp7.sdf-supplement.yaml 'speed: 75' 'speed: 57' 'cp7.sdf-supplement.yaml:11:[0-9]+: error: .*57.*75' 1
typo "thing: a binding" things/pump.yaml 'cp7' 'cp8' 'pump.yaml:2:[0-9]+: error: .*cp8.*cp7' 1
typo "thing: a bus" things/pump.yaml 'bus: basement' 'bus: basemnet' 'pump.yaml:3:[0-9]+: error: .*basemnet.*basement' 1
typo "thing: a context key" things/pump.yaml 'unit:' 'unti:' 'pump.yaml:3:[0-9]+: error: .*unti.*unit' 1
typo "thing: a key" things/pump.yaml 'thingId' 'thingID' 'pump.yaml:1:[0-9]+: error: .*thingID.*thingId' 1

fresh
sed -i 's/hsot/host/; s/host:/hsot:/' "$site/lintel.yaml"
sed -i 's/unit:/unti:/' "$site/things/pump.yaml"
says "all problems are told at once" 'refused, 2 errors' lintel check "$site"
exits "a refused site has status 1" 1 lintel check "$site"
exits "JSON" 0 bash -c '"$1" --json check "$2" | python3 -c "import json,sys; d=json.load(sys.stdin); assert not d[\"ok\"] and d[\"errors\"] == 2 and d[\"problems\"][0][\"line\"] == 6, d"' - "$build/bin/lintel" "$site"

fresh
printf 'a: [1, 2\nb: 3\n' >"$site/things/broken.yaml"
says "broken YAML" 'broken.yaml:2:[0-9]+: error: ' lintel check "$site"
fresh
printf 'a:\n\tb: 1\n' >"$site/things/broken.yaml"
says "a tab" 'broken.yaml:2:1: error: a tab' lintel check "$site"
fresh
printf '{"sdfObject": {"A": ' >"$site/models/broken.sdf.json"
says "broken JSON" 'broken.sdf.json:2:1: error: the file ends inside' lintel check "$site"
fresh
head -c 50000000 /dev/zero | tr '\0' 'a' >"$site/things/huge.yaml"
says "a file of 50 MB" 'huge.yaml: error: .*larger than' lintel check "$site"
fresh
python3 -c "print('[' * 100000)" >"$site/things/deep.yaml"
says "deep nesting" 'deep.yaml:1:[0-9]+: error: nested deeper' lintel check "$site"
fresh
cat >"$site/models/circle.sdf.yaml" <<'FILE'
info: { title: "Circle", version: "1", license: CC0-1.0 }
namespace: { c: "https://example.com/models/circle" }
defaultNamespace: c
sdfObject:
  A: { sdfRef: "#/sdfObject/B" }
  B: { sdfRef: "#/sdfObject/A" }
FILE
says "a model that refers in circles" 'circle.sdf.yaml:[56]:[0-9]+: error: ' lintel check "$site"
fresh
mkdir -p "$site/secrets"
sed -i 's|port: 1502|port: 1502\n  broker: { plugin: mqtt, broker: "mqtt://127.0.0.1", username: hub, password: "secret:broker" }|' "$site/lintel.yaml"
says "a missing secret" 'lintel.yaml:8:[0-9]+: error: .*secret' lintel check "$site"
echo word >"$site/secrets/broker"
chmod 644 "$site/secrets/broker"
says "a secret that others may read" 'error: .*chmod' lintel check "$site"
says_not "and it is not shown" 'word' lintel check "$site"
chmod 600 "$site/secrets/broker"
exits "a secret as it should be" 0 lintel check "$site"
finish
