# SPDX-License-Identifier: Apache-2.0
# For tests that hurt a whole hub: a building with Modbus devices, a broker and fakes in threads and children, all of
# whose values are known. Source it after lib.sh.

# Faults (tests/faults/faults.c). with_faults: what goes before a linteld to have them, as start_hub does with by=(); its
# children have them too, with numbers of their own, $here/faults.children, or $here/faults.NAME where it is there for the
# process NAME. A child gets nothing of the daemon's environment, so a linteld of the tests' finds another lintel-host beside
# itself, which adds the faults.
faults=$source_dir/tests/faults/control.py faults_lib=$build/tests/faults/faults.so
has_faults() { [ -e "$faults_lib" ] || { echo "1..0 # SKIP a sanitizer's runtime must come first; the normal build runs this"; exit 77; }; }
with_faults() { # VARIABLE=VALUE..
    local tree=$here/tree
    mkdir -p "$tree/bin" "$tree/core/daemon"
    "$faults" "$here/faults" new
    "$faults" "$here/faults.children" new
    by=(env LD_PRELOAD="$faults_lib" LINTEL_FAULTS="$here/faults" LINTEL_FAULT_PROGRAM=linteld "$@")
    linteld=$tree/bin/linteld
    [ ! -e "$linteld" ] || return 0
    cp "$build/bin/linteld" "$linteld"
    cp "$build/core/daemon/build-tree" "$tree/core/daemon/"
    ln -s "$build/plugins" "$tree/plugins"
    cat >"$tree/bin/lintel-host" <<FILE
#!/bin/sh
faults='$here/faults.children'
[ ! -e "$here/faults.\$3" ] || faults='$here'/faults.\$3 # --socket=3 --name NAME
export LD_PRELOAD='$faults_lib' LINTEL_FAULTS="\$faults" LINTEL_FAULT_PROGRAM=lintel-host LINTEL_FAULT_SEED='${LINTEL_FAULT_SEED:-1}'
exec '$build/bin/lintel-host' "\$@"
FILE
    chmod 755 "$tree/bin/lintel-host"
}

whole_site() { # SITE COAP-PORT: starts the devices, writes the site
    local site=$1 i
    broker_port=$(free_port)
    mkfifo "$here/alive"
    exec 9<>"$here/alive"
    local sim=(--tcp 0)
    for i in 1 2 3; do sim+=(--unit $i "holding:0=u16:$((i * 1000))" "holding:10=u16:$((i * 1000 + 10))"); done
    start sim "$build/tests/sim/modbus_sim" "${sim[@]}" <"$here/alive"
    wait_log sim '^ready tcp' || { not_ok "the simulator starts"; return 1; }
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nuser %s\n' "$broker_port" "$(id -un)" >"$here/mosquitto.conf"
    start mosquitto mosquitto -c "$here/mosquitto.conf"
    wait_log mosquitto 'mosquitto version .* running' || { not_ok "the broker starts"; return 1; }
    boxes "$site"
    cat >"$site/lintel.yaml" <<FILE
hub: { name: whole }
buses:
  meters: { plugin: modbus, transport: tcp, host: 127.0.0.1, port: $(sed -n 's/^ready tcp //p' "$here/sim.log"), timeout: 500, reconnectMost: 1 }
  house: { plugin: mqtt, broker: "mqtt://127.0.0.1:$broker_port", reconnectMax: 1 }
  own: { plugin: fake, isolation: process }
  thread: { plugin: fake, isolation: thread }
  slow: { plugin: fake-blocking }
transports:
  coap: { plugin: coap, listen: ["coap://[::1]:$2"], rate: 0, rateEqual: 0 }
FILE
    cat >"$site/models/dial.sdf.yaml" <<'FILE'
info: { title: "Dial", version: "1.0.0", license: CC0-1.0 }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
sdfObject:
  Dial:
    sdfProperty:
      first: { type: integer, writable: false }
      level: { type: integer, minimum: 0, maximum: 60000 }
FILE
    cat >"$site/bindings/meter.sdf-supplement.yaml" <<'FILE'
info: { title: "A dial on a line", version: "1.0.0" }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
amend:
  - "#/sdfObject/Dial/sdfProperty/first": { sdfProtocolMap: { modbus: { address: 0, type: u16, poll: 0.2 } } }
  - "#/sdfObject/Dial/sdfProperty/level": { sdfProtocolMap: { modbus: { address: 10, type: u16, poll: 0.2 } } }
FILE
    cat >"$site/bindings/told.sdf-supplement.yaml" <<'FILE'
info: { title: "A dial behind a broker", version: "1.0.0" }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
amend:
  - "#/sdfObject/Dial/sdfProperty/first": { sdfProtocolMap: { mqtt: { topic: first } } }
FILE
    for i in 1 2 3; do echo "- { thingId: m$i, sdfInstanceOf: { model: meter }, sdfContext: { bus: meters, unit: $i } }"; done >"$site/things/dials.yaml"
    echo "- { thingId: k1, sdfInstanceOf: { model: told }, sdfContext: { bus: house, topic: works/k1 } }" >>"$site/things/dials.yaml"
    for i in own thread slow; do box "$site" $i; done
}
# whole_fresh TEXT: each thing has the value that its device has, and everything is up.
whole_fresh() {
    local i
    for i in 1 2 3; do
        soon "$1: meter $i" "^$((i * 1000))\$" lintel get m$i/first
    done
    for i in own thread slow; do soon "$1: $i" '^[0-9]+$' lintel get $i/count; done
    soon "$1: a message of the broker" "^4242\$" bash -c "mosquitto_pub -h 127.0.0.1 -p $broker_port -t works/k1/first -m 4242; '$build/bin/lintel' get k1/first"
    for i in meters house own thread slow; do soon "$1: $i is up" "^$i .* up " lintel status; done
}
# stores_sound FOLDER: what SQLite says of each store of a state folder; "ok" for each.
stores_sound() {
    python3 - "$1" <<'CODE'
import glob, sqlite3, sys
files = sorted(glob.glob(sys.argv[1] + "/*.db"))
print(len(files), "stores")
for f in files:
    print(f.rsplit("/", 1)[1], sqlite3.connect(f).execute("PRAGMA integrity_check").fetchone()[0])
CODE
}
# strays LOG: values of meters in the output of `lintel --json watch` that are not the devices'.
strays() {
    python3 - "$1" <<'CODE'
import json, sys
seen = 0
for text in open(sys.argv[1]):
    try:
        pack = json.loads(text)
    except ValueError:
        continue  # cut by a kill
    base = ""
    for record in pack:
        base = record.get("bn", base)
        thing, _, point = (base + record.get("n", "")).split(":", 1)[-1].split("/")
        if thing.startswith("m") and point == "first" and "v" in record:
            seen += 1
            if record["v"] != int(thing[1:]) * 1000:
                print("stray", thing, point, record["v"])
print("values", seen)
CODE
}
