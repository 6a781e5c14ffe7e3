#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What goes over a bus is recorded, read by tshark, and replayed; an address is tried before there is a binding. Real
# devices on TCP and on a serial line, and a real broker.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
command -v tshark >/dev/null || { not_ok "tshark is installed"; finish; }
site=$here/site
mkdir -p "$site"/{models,bindings,things}
mkfifo "$here/alive"
exec 9<>"$here/alive"
"$build/tests/sim/modbus_sim" --tcp 0 --unit 1 holding:0=u16:215 holding:1=s16:-40 holding:10=f32:308.5 coil:3=1 \
    --unit 2 holding:0=u16:1000 holding:1=s16:7 holding:10=f32:2.25 coil:3=0 \
    --pty - --unit 3 holding:0=u16:500 holding:1=s16:1 holding:10=f32-swap:-1.5 coil:3=1 --unit 4 fault=dead \
    --unit 5 fault=exception:4 <"$here/alive" >"$here/sim.log" 2>&1 9>&- &
pids+=($!)
wait_log sim '^ready pty ' || { not_ok "the simulator starts"; finish; }
port=$(sed -n 's/^ready tcp //p' "$here/sim.log") pty=$(sed -n 's/^ready pty //p' "$here/sim.log")
mqtt=$(free_port)
printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\nuser %s\n' "$mqtt" "$(id -un)" >"$here/mosquitto.conf"
start mosquitto mosquitto -c "$here/mosquitto.conf"
wait_log mosquitto 'mosquitto version .* running' || { not_ok "the broker starts"; finish; }

cat >"$site/lintel.yaml" <<FILE
hub: { name: office }
buses:
  field: { plugin: modbus, host: 127.0.0.1, port: $port }
  line: { plugin: modbus, transport: rtu, device: $pty, baud: 19200, timeout: 200, isolation: thread }
  broker: { plugin: mqtt, broker: "mqtt://127.0.0.1:$mqtt" }
FILE
cat >"$site/models/box.sdf.yaml" <<'FILE'
info: { title: "Box", version: "1.0.0", license: CC0-1.0 }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
sdfObject:
  Box:
    sdfProperty:
      temperature: { type: number, unit: Cel, writable: false }
      offset: { type: number, writable: false }
      power: { type: number, unit: W, writable: false }
      on: { type: boolean, writable: false }
      spare: { type: number, writable: false }
FILE
binding() { # FILE SCALE WORD-ORDER
    cat >"$1" <<FILE
info: { title: "Box", version: "1.0.0" }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
amend:
  - "#/sdfObject/Box/sdfProperty/temperature": { sdfProtocolMap: { modbus: { address: 0, scale: $2, poll: 0.5 } } }
  - "#/sdfObject/Box/sdfProperty/offset": { sdfProtocolMap: { modbus: { address: 1, type: s16, poll: 1 } } }
  - "#/sdfObject/Box/sdfProperty/power": { sdfProtocolMap: { modbus: { address: 10, type: f32, wordOrder: $3, poll: 1 } } }
  - "#/sdfObject/Box/sdfProperty/on": { sdfProtocolMap: { modbus: { table: coil, address: 3, poll: 1 } } }
FILE
}
binding "$site/bindings/box-plain.sdf-supplement.yaml" 0.1 big
binding "$site/bindings/box-swapped.sdf-supplement.yaml" 0.1 little
cat >"$site/things/all.yaml" <<'FILE'
- { thingId: one, sdfInstanceOf: { model: box-plain }, sdfContext: { bus: field, unit: 1 } }
- { thingId: two, sdfInstanceOf: { model: box-plain }, sdfContext: { bus: field, unit: 2 } }
- { thingId: three, sdfInstanceOf: { model: box-swapped }, sdfContext: { bus: line, unit: 3 } }
- { thingId: lamp, sdfInstanceOf: { model: zigbee-lamp }, sdfContext: { bus: broker, topic: house/lamp } }
FILE
exits "the site is good" 0 lintel check "$site"
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "there are values" '^21\.5 Cel' lintel get one/temperature
soon "also on the line" '^-1\.5 W' lintel get three/power

# ---- try, with a hub -------------------------------------------------------------------------------------------------
says "a value is tried" '^value +308\.5 +\(f32 big' lintel try field unit=1 holding=10 type=f32
says "the bytes sent are shown" '^sent +.. .. 00 00 00 06 01 03 00 0a 00 02$' lintel try field unit=1 holding=10 type=f32
says "and those received" '^received +.. .. 00 00 00 07 01 03 04 43 9a 40 00$' lintel try field unit=1 holding=10 type=f32
says "and how long it took" '^took +[0-9]+\.[0-9] ms$' lintel try field unit=1 holding=10
says "codec keys count" '^value +21\.5 ' lintel try field unit=1 table=holding address=0 scale=0.1
says "without a type, what it may be" '^f32 +308\.5 ' lintel try field unit=1 holding=10
says "a bit" '^value +true ' lintel try field unit=1 coil=3
says "on the serial line, in its own order" '^value +-1\.5 ' lintel try line unit=3 address=10 type=f32 wordOrder=little
says "the line's frame" '^sent +03 03 00 0a 00 02 e5 eb$' lintel try line unit=3 address=10 type=f32
says "a silent unit" 'unit 4 did not answer in time' lintel try line unit=4 address=0
says "an exception in words" 'exception 4: device failure .holding 0' lintel try line unit=5 address=0
says "an address that is not there" 'exception 2: illegal data address' lintel try field unit=1 holding=99 type=u16
says "the nearest key" 'no key "untit" .did you mean "unit"' lintel try field untit=1 address=0
says "the nearest type" 'did you mean "u16"' lintel try field unit=1 address=0 type=u61
says "a unit out of range" '"300" is not a whole number from 0 to 255' lintel try field unit=300 address=0
says "a key that is missing" 'needs "address"' lintel try field unit=1
exits "which fails" 1 lintel try field unit=1
exits "no such bus" 1 lintel try fields unit=1 address=0
exits "no KEY=VALUE" 2 lintel try field 12
says "for programs" '"value": 308.5' lintel --json try field unit=1 holding=10 type=f32
(for _ in $(seq 20); do mosquitto_pub -p "$mqtt" -t house/lamp -m '{"state":"ON","brightness":127}'; sleep 0.1; done) &
says "one message of a topic" '^value +127 ' lintel try broker topic=house/lamp pointer=/brightness
wait $!
says "a topic that nobody speaks on" 'nothing came in time' lintel try broker --seconds 1 topic=house/nobody
(for _ in $(seq 15); do mosquitto_pub -p "$mqtt" -t house/lamp -m '{"state":"ON","brightness":127}'; sleep 0.1; done) &
says_not "messages of other topics are not taken for it" '^received' lintel try broker --seconds 1 topic=house/nobody
wait $!
(for _ in $(seq 20); do mosquitto_pub -p "$mqtt" -t house/odd -m $'{"name":"a\\u001b[31mb"}\e[2J'; sleep 0.1; done) &
lintel try broker topic=house/odd >"$here/odd.txt" 2>&1
says "what a device says is shown" '^text .*name.*2J' cat "$here/odd.txt"
says_not "but does not steer the terminal" $'\e' cat "$here/odd.txt"
wait $!
says "the nearest bus" 'no bus "feld"; did you mean field' lintel try feld unit=1 address=0
says "no bus that is near" 'no bus "x-y-z"; .lintel status. and GET /hub/buses list them' lintel try x-y-z unit=1 address=0
says_not "nothing of that is a thing" 'lintel-try' lintel things
says "nor counted" '"points": 8' sh -c "'$build/bin/lintel' --json status | grep -A6 '\"field\"' | head -12"

# ---- record ----------------------------------------------------------------------------------------------------------
exits "no such bus" 1 lintel record fields "$here/none.pcapng" --seconds 1
exits "which leaves no file" 1 test -e "$here/none.pcapng"
exits "no such folder" 1 lintel record field "$here/none/none.pcapng" --seconds 1
says "a bus on which nothing is said" 'nothing was recorded: .* the plugin "mqtt" does not tell' lintel record broker "$here/silent.pcapng" --seconds 1
exits "which has status 1" 1 lintel record broker "$here/silent.pcapng" --seconds 1
: >"$here/field.pcapng" && chmod 644 "$here/field.pcapng"
exits "not so many seconds" 2 lintel record field "$here/none.pcapng" --seconds 0
start record-field "$build/bin/lintel" record field "$here/field.pcapng" --seconds 3
field_pid=$pid
start record-broker "$build/bin/lintel" record broker "$here/broker.pcapng"
broker_pid=$pid
start record-line "$build/bin/lintel" record line "$here/line.pcapng" --seconds 3
line_pid=$pid
sleep 0.5
for n in 10 20 254; do mosquitto_pub -p "$mqtt" -t house/lamp -m "{\"state\":\"OFF\",\"brightness\":$n}"; sleep 0.2; done
lintel set lamp/on true >/dev/null 2>&1
wait "$field_pid"; field_status=$?
wait "$line_pid"; line_status=$?
sleep 0.3
kill -INT "$broker_pid"; wait "$broker_pid"; broker_status=$?
unset 'pids[-1]' 'pids[-1]' 'pids[-1]'
exits "recording ends by itself, and by Ctrl-C" 0 test "$field_status $line_status $broker_status" = "0 0 0"
says "it says how much there was" '^[0-9]{2} messages, [0-9]+ bytes$' cat "$here/record-field.log"
says "only its owner may read it, though it was there before" '^600$' stat -c %a "$here/field.pcapng"
shark() { tshark -r "$@" 2>/dev/null; }
says "tshark knows a request" '^1\s+0\s+3\s*$' shark "$here/field.pcapng" -Y 'modbus.word_cnt && mbtcp.unit_id==1 && modbus.reference_num==0' \
    -T fields -e mbtcp.unit_id -e modbus.reference_num -e modbus.func_code
says "and the registers of an answer" '(^|,)215(,|$)' shark "$here/field.pcapng" -Y 'modbus.regval_uint16' -T fields -e modbus.regval_uint16
says "and what the serial line said" 'Modbus RTU.*Response: Unit: +3, Func: +3' shark "$here/line.pcapng"
says "with the answer of that unit" '(^|,)500(,|$)' shark "$here/line.pcapng" -Y 'modbus.regval_uint16' -T fields -e modbus.regval_uint16
says "and the messages of the broker" 'house/lamp.*' shark "$here/broker.pcapng" -Y 'mqtt.msgtype==3' -T fields -e mqtt.topic
says "one of them went out" 'house/lamp/set' shark "$here/broker.pcapng" -Y 'frame.p2p_dir==0 && mqtt' -T fields -e mqtt.topic
says_not "nothing is malformed" 'Malformed' sh -c "tshark -r '$here/field.pcapng' -V; tshark -r '$here/line.pcapng' -V; tshark -r '$here/broker.pcapng' -V"
says "the file says where it comes from" 'bus field of hub office: plugin modbus' capinfos "$here/field.pcapng"
says_not "without secrets" 'password' capinfos "$here/broker.pcapng"

# ---- replay ----------------------------------------------------------------------------------------------------------
# values THINGS..: what the running hub has, as thing/property value
values() { for t in "$@"; do lintel --json get "$t" | python3 -c '
import json, sys
for r in json.load(sys.stdin):
    if r.get("kind") == "property" and r.get("quality") == "good": print(sys.argv[1], r["path"], r["value"])' "$t"; done | sort; }
replayed() { lintel --json replay "$@" | python3 -c '
import json, sys
for r in json.load(sys.stdin)["values"]:
    if r["quality"] == "good": print(r["thing"], r["path"], r["value"])' | sort; }
same() { local a b; a=$(values "${@:3}"); b=$(replayed "$1" "$2"); [ -n "$a" ] && [ "$a" = "$b" ] || { echo "hub: $a"; echo "replayed: $b"; return 1; }; }
exits "a replay of TCP yields what the hub had" 0 same "$here/field.pcapng" "$site" one two
exits "of a serial line too" 0 same "$here/line.pcapng" "$site" three
exits "and of a broker" 0 same "$here/broker.pcapng" "$site" lamp
exits "all of it fits" 0 lintel replay "$here/field.pcapng" "$site"
says "exchanges are shown with their time" '^ +[0-9]+\.[0-9]{3} > .. .. 00 00 00 06 01 03 00 00' lintel replay "$here/field.pcapng" "$site"
says "with what the bindings make of them" '^ +one/temperature = 21\.5 Cel$' lintel replay "$here/field.pcapng" "$site"
says_not "in 80 columns" '^.{81}' lintel replay "$here/field.pcapng" "$site"
cp -r "$site" "$here/other"
binding "$here/other/bindings/box-plain.sdf-supplement.yaml" 1 little
says "another scale yields other values" '^one/temperature +215 Cel' lintel replay --quiet "$here/field.pcapng" "$here/other"
says_not "and another order" '^one/power +308\.5 W' lintel replay --quiet "$here/field.pcapng" "$here/other"
sed -i 's/address: 1, type: s16, poll: 1/address: 0, type: u32, poll: 1/' "$here/other/bindings/box-plain.sdf-supplement.yaml"
says "other blocks are put together of what is known" '^one/offset +14155736( |$)' lintel replay --quiet "$here/field.pcapng" "$here/other"
cat >>"$here/other/bindings/box-plain.sdf-supplement.yaml" <<'FILE'
  - "#/sdfObject/Box/sdfProperty/spare": { sdfProtocolMap: { modbus: { address: 77, poll: 1 } } }
FILE
says "what was never asked is told" 'x 00 00 00 06 01 03 00 4d 00 01$' lintel replay --quiet "$here/field.pcapng" "$here/other"
says "with what to do" 'Record longer than the slowest poll' lintel replay --quiet "$here/field.pcapng" "$here/other"
exits "and fails" 1 lintel replay --quiet "$here/field.pcapng" "$here/other"
says "beside it the others are there" '^one/temperature +215 Cel' lintel replay --quiet "$here/field.pcapng" "$here/other"
says "another bus" 'recorded from the plugin modbus, but the bus "broker" runs mqtt' lintel replay --bus broker "$here/field.pcapng" "$site"
says "no such bus" 'has no bus "cellar"' lintel replay --bus cellar "$here/field.pcapng" "$site"
says "no recording" 'this is no pcapng file' lintel replay "$site/lintel.yaml" "$site"
head -c 700 "$here/field.pcapng" >"$here/cut.pcapng"
says "half a recording" 'byte [0-9]+: the file ends within a block' lintel replay "$here/cut.pcapng" "$site"

# ---- in a binding's tests ----------------------------------------------------------------------------------------------
mkdir "$site/bindings/recordings"
cp "$here/field.pcapng" "$site/bindings/recordings/box.pcapng"
cat >>"$site/bindings/box-plain.sdf-supplement.yaml" <<'FILE'
"lintel:tests":
  - { replay: recordings/box.pcapng, expect: { temperature: 21.5, offset: -40, power: 308.5, "on": true } }
  - { replay: recordings/box.pcapng, at: 1.5, sdfContext: { unit: 2 }, expect: { temperature: 100, power: 2.25 } }
FILE
exits "a binding is tested on a recording" 0 lintel check "$site"
sed -i 's/temperature: 21.5,/temperature: 21.6,/' "$site/bindings/box-plain.sdf-supplement.yaml"
says "where it differs, the place is told" 'box-plain.sdf-supplement.yaml:10:.*temperature: expected 21.6, got 21.5' lintel check "$site"
sed -i 's/temperature: 21.6,/temperature: 21.5,/; s/box.pcapng, at/nothing.pcapng, at/' "$site/bindings/box-plain.sdf-supplement.yaml"
says "a recording that is not there" 'there is no file .*recordings/nothing.pcapng' lintel check "$site"
sed -i 's/nothing.pcapng/box.pcapng/' "$site/bindings/box-plain.sdf-supplement.yaml"

# ---- the plugin dies while it is recorded -------------------------------------------------------------------------------
start record-again "$build/bin/lintel" record field "$here/again.pcapng" --seconds 3
sleep 0.7
kill -9 "$(of field pid)"
wait "$pid"
unset 'pids[-1]'
says "recording goes on when the plugin runs again" '^[12]\.' sh -c "tshark -r '$here/again.pcapng' -T fields -e frame.time_relative 2>/dev/null | tail -1"

# ---- try, without a hub ------------------------------------------------------------------------------------------------
exits "a hub is asked for" 3 env LINTEL_RUN="$here/nobody" "$build/bin/lintel" try field unit=1 address=0
says "or the site" 'lintel try --site DIR field' env LINTEL_RUN="$here/nobody" "$build/bin/lintel" try field unit=1 address=0
stop "$hub"
says "then the command opens the bus itself" '^value +308\.5 ' lintel try --site "$site" field unit=1 holding=10 type=f32
says "a serial line too" '^value +500 ' lintel try --site "$site" line unit=3 holding=0 type=u16
finish
