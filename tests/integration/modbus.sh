#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole hub against Modbus devices that misbehave, against a server that we did not write, and beside a second client.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port)
base=coap://[::1]:$port
mkdir -p "$site"/{models,bindings,things}

# Each unit has values of its own, so that an answer taken for another one's shows.
values() { echo "--unit $1 holding:0=u16:$(($1 * 1000)) holding:10=u16:$(($1 * 1000 + 10)) holding:50=u16:$(($1 * 1000 + 50))"; }
broken=(half wrong-unit wrong-tid exception:4 dead late close slow:3000)
names=(half wrong-unit wrong-tid exception dead late close slow)
sim=(--tcp 0) # every request fails
sim+=($(values 1))
for i in "${!broken[@]}"; do sim+=($(values $((i + 2))) "fault=${broken[i]}"); done
sim+=(--tcp 0) # every third one fails
sim+=($(values 1))
for i in "${!broken[@]}"; do sim+=($(values $((i + 2))) "fault=${broken[i]}" every=3); done
sim+=(--tcp 0 $(values 1) fault=slow:3000)
sim+=(--pty -) # a line with a dead unit
sim+=($(values 1) $(values 2) $(values 3) $(values 4) fault=dead)
mkfifo "$here/alive"
exec 9<>"$here/alive"
start sim "$build/tests/sim/modbus_sim" "${sim[@]}" <"$here/alive"
wait_log sim '^ready pty' || { not_ok "the simulator starts"; finish; }
mapfile -t tcp < <(sed -n 's/^ready tcp //p' "$here/sim.log")
line=$(sed -n 's/^ready pty //p' "$here/sim.log")
start pymodbus /usr/bin/python3 "$source_dir/plugins/modbus/modbus_pymodbus.py" <"$here/alive"
wait_log pymodbus '^(ready|skip)' || not_ok "pymodbus starts"
other=$(sed -n 's/^ready tcp //p' "$here/pymodbus.log")
tcp_bus() { echo "  $1: { plugin: modbus, transport: tcp, host: 127.0.0.1, port: $2, timeout: $3, reconnectMost: 1 }"; }
{
    echo "hub: { name: modbus }"
    echo "buses:"
    tcp_bus always "${tcp[0]}" 200
    tcp_bus often "${tcp[1]}" 200
    tcp_bus lazy "${tcp[2]}" 8000
    tcp_bus foreign "${other:-1}" 1000
    echo "  line: { plugin: modbus, transport: rtu, device: $line, baud: 115200, timeout: 200 }"
    echo "transports:"
    echo "  coap: { plugin: coap, listen: [\"$base\"] }"
} >"$site/lintel.yaml"
cat >"$site/models/dial.sdf.yaml" <<'FILE'
info: { title: "Dial", version: "1.0.0", license: CC0-1.0 }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
sdfObject:
  Dial:
    sdfProperty:
      first: { type: integer, writable: false }
      level: { type: integer, minimum: 0, maximum: 60000 }
      last: { type: integer, writable: false }
FILE
# binding NAME POLL: of all three values
binding() {
    cat >"$site/bindings/$1.sdf-supplement.yaml" <<FILE
info: { title: "Dial, polled each $2 s", version: "1.0.0" }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
amend:
  - "#/sdfObject/Dial/sdfProperty/first": { sdfProtocolMap: { modbus: { address: 0, type: u16, poll: $2 } } }
  - "#/sdfObject/Dial/sdfProperty/level": { sdfProtocolMap: { modbus: { address: 10, type: u16, poll: $2 } } }
  - "#/sdfObject/Dial/sdfProperty/last": { sdfProtocolMap: { modbus: { address: 50, type: u16, poll: $2 } } }
FILE
}
binding polled 0.5
cat >"$site/bindings/on-demand.sdf-supplement.yaml" <<'FILE'
info: { title: "Dial, read when it is asked for", version: "1.0.0" }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
amend:
  - "#/sdfObject/Dial/sdfProperty/last": { sdfProtocolMap: { modbus: { address: 50, type: u16, poll: 0 } } }
FILE
thing() { echo "- { thingId: $1, sdfInstanceOf: { model: $2 }, sdfContext: { bus: $3, unit: $4 } }"; }
{
    thing always-good polled always 1
    thing often-good polled often 1
    for i in "${!names[@]}"; do
        thing "always-${names[i]}" polled always $((i + 2))
        thing "often-${names[i]}" polled often $((i + 2))
    done
    for unit in 1 2 3 4; do thing "line-$unit" polled line $unit; done
    thing lazy on-demand lazy 1
    thing foreign polled foreign 1
} >"$site/things/all.yaml"
exits "the site is good" 0 lintel check "$site"
start_hub "$site" || { not_ok "the hub starts"; finish; }
started=$SECONDS
start watch "$build/bin/lintel" --json watch

soon "a good unit among bad ones" '^1000$' lintel get always-good/first
soon "the line's first unit" '^1000$' lintel get line-1/first
soon "the line's last good one" '^3050$' lintel get line-3/last
soon "the dead one is away" 'unit 4 did not answer' lintel get line-4/first
line_values=$(of line values) line_from=$(date +%s%N)

# One that answers after 3 s: the client gets an acknowledgement, and the answer later.
out=$here/lazy.txt
(timeout 20 coap-client-notls -v 7 -B 15 "$base/d/lazy/Dial/p/last" >"$out" 2>&1) &
lazy_get=$!
pids+=("$lazy_get")

# Each fault, always: the unit says what is wrong.
soon "half an answer" 'only a part of an answer came' lintel get always-half/first
soon "another unit's answer" 'unit' lintel get always-wrong-unit/first
soon "another transaction's answer" 'did not answer in time|transaction' lintel get always-wrong-tid/first
soon "an exception is told by its name" 'exception 4: device failure .holding 0' lintel get always-exception/first
soon "no answer" 'did not answer in time' lintel get always-dead/first
soon "a late answer is none" 'did not answer in time' lintel get always-late/first
soon "a closed connection" 'clos' lintel get always-close/first
soon "a slow one" 'did not answer in time' lintel get always-slow/first
soon "the good unit goes on beside them" '^1050$' lintel get always-good/last

# Each fault now and then: values come nevertheless.
for i in "${!names[@]}"; do
    soon "${names[i]} now and then has values" "^$(((i + 2) * 1000))\$" lintel get "often-${names[i]}/first"
done

# A server that we did not write, and a client beside the hub.
restarts() { for b in always often lazy line; do of $b restarts; done; }
poll() { mbpoll -m tcp -a 1 -p "$other" -0 -t 4 -1 -r "$1" 127.0.0.1 "${@:2}"; }
if [ -n "$other" ] && command -v mbpoll >/dev/null; then
    soon "a value from pymodbus" '^30$' lintel get foreign/level
    says "mbpoll sees the same" '\[10\]:[[:space:]]+30' poll 10
    exits "mbpoll changes it" 0 poll 10 777
    soon "the hub follows" '^777$' lintel get foreign/level
    exits "the hub writes" 0 lintel set foreign/level 4242
    says "mbpoll sees it" '\[10\]:[[:space:]]+4242' poll 10
    says_not "a client writes by CoAP" '[45]\.[0-9]' coap -m put -t 50 -e 4343 "$base/d/foreign/Dial/p/level"
    says "mbpoll sees that too" '\[10\]:[[:space:]]+4343' poll 10
    says "out of range is refused" '4\.22.*60000' coap -m put -t 50 -e 60001 "$base/d/foreign/Dial/p/level"
    says "a wrong type is refused" '4\.00' coap -m put -t 50 -e '"many"' "$base/d/foreign/Dial/p/level"
    says "half a number is refused" '4\.' coap -m put -t 50 -e 1.5 "$base/d/foreign/Dial/p/level"
    says "no JSON is refused" '4\.00' coap -m put -t 50 -e '{{{' "$base/d/foreign/Dial/p/level"
    says "nothing is refused" '4\.00' coap -m put -t 50 "$base/d/foreign/Dial/p/level"
    says "read-only is refused" '4\.05.*read-only' coap -m put -t 50 -e 5 "$base/d/foreign/Dial/p/first"
    says "none of them has reached the bus" '\[10\]:[[:space:]]+4343' poll 10
    says "nor this register" '\[0\]:[[:space:]]+0' poll 0
    says "the log says who wrote what" 'command: .* wrote foreign/Dial/p/level: 4242 -> 4343: ok' cat "$here/linteld.log"
else
    echo "# pymodbus or mbpoll is missing: left out"
fi

wait "$lazy_get"
says "the slow device's answer comes" "c:2\.05.*:: '1050'" cat "$out"
says "after an empty acknowledgement" 't:ACK.*c:0\.00|ACK 0\.00|Type=2.*Code=0|c:0.00' cat "$out"
says "as a message of its own" 't:CON.*c:2\.05|t:NON.*c:2\.05' cat "$out"

# A dead unit among four: 3 units x 3 points each half second, whatever the fourth one costs.
while [ $((SECONDS - started)) -lt 16 ]; do sleep 0.2; done
line_values=$(($(of line values) - line_values)) line_ns=$(($(date +%s%N) - line_from))
percent=$((line_values * 500000000 * 100 / (9 * line_ns)))
echo "# beside a dead unit the other three keep $percent % of their poll rate ($line_values values in $((line_ns / 1000000)) ms)"
if [ $percent -ge 80 ]; then ok "a dead unit takes little from the others"; else not_ok "a dead unit takes little from the others: $percent %"; fi
says "it is dead still" 'line-4 .*unit 4 did not answer' lintel status

# No value ever came from where it does not belong.
python3 - "$here/watch.log" >"$here/strays" <<'CODE'
import json, sys
names = "good half wrong-unit wrong-tid exception dead late close slow".split()
want = {f"{kind}-{name}": unit for kind in ("always", "often") for unit, name in enumerate(names, 1)}
want.update({f"line-{u}": u for u in range(1, 5)})
seen = 0
for text in open(sys.argv[1]):
    base = ""
    for record in json.loads(text):
        base = record.get("bn", base)
        thing, _, point = (base + record.get("n", "")).split(":", 1)[1].split("/")
        unit = want.get(thing)
        if unit is not None and "v" in record:
            seen += 1
            if record["v"] != unit * 1000 + {"first": 0, "level": 10, "last": 50}[point]:
                print("stray", thing, point, record["v"])
print("values", seen)
CODE
says_not "no value came from elsewhere" stray cat "$here/strays"
says "among many" 'values [0-9]{2}' cat "$here/strays"
lintel status | sed 's/^/# /'
says_not "the plugin's processes live" '[1-9]' restarts
finish
