#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole hub beside a broker of its own, with mosquitto_pub and mosquitto_sub as its devices.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port) coap_port=$(free_port)
base=coap://[::1]:$coap_port
word=Geheim-$RANDOM-$RANDOM
mkdir -p "$site"/{models,bindings,things,secrets}
chmod 700 "$site/secrets"
(umask 077; : >"$here/users"; printf '%s\n' "$word" >"$site/secrets/broker"; printf 'No-%s\n' "$word" >"$site/secrets/wrong")
mosquitto_passwd -b "$here/users" hub "$word" 2>/dev/null
mosquitto_passwd -b "$here/users" device device 2>/dev/null
cat >"$here/mosquitto.conf" <<CONF
listener $port 127.0.0.1
allow_anonymous false
password_file $here/users
persistence false
user $(id -un)
message_size_limit 0
CONF
start_broker() {
    start mosquitto mosquitto -c "$here/mosquitto.conf"
    broker=$pid
    wait_log mosquitto 'mosquitto version .* running' || not_ok "the broker starts"
}
publish() { mosquitto_pub -h 127.0.0.1 -p "$port" -u device -P device "$@"; }
start_broker
cat >"$site/lintel.yaml" <<FILE
hub: { name: mqtt }
buses:
  house: { plugin: mqtt, broker: "mqtt://127.0.0.1:$port", username: hub, password: "secret:broker", statusTopic: hub/status, reconnectMax: 1 }
  locked-out: { plugin: mqtt, broker: "mqtt://127.0.0.1:$port", username: hub, password: "secret:wrong", reconnectMax: 1 }
transports:
  coap: { plugin: coap, listen: ["$base"] }
FILE
cat >"$site/models/kiln.sdf.yaml" <<'FILE'
info: { title: "Kiln", version: "1.0.0", license: CC0-1.0 }
namespace: { kiln: "https://example.com/models/kiln" }
defaultNamespace: kiln
sdfObject:
  Kiln:
    sdfProperty:
      temperature: { type: number, unit: Cel, minimum: 0, maximum: 1400 }
      door: { type: string, writable: false }
      burner: { type: boolean }
    sdfAction:
      beep: {}
    sdfEvent:
      alarm: { sdfOutputData: { type: string } }
FILE
cat >"$site/bindings/mqtt-kiln.sdf-supplement.yaml" <<'FILE'
info: { title: "A kiln behind a broker", version: "1.0.0" }
namespace: { kiln: "https://example.com/models/kiln" }
defaultNamespace: kiln
amend:
  - "#/sdfObject/Kiln":
      "lintel:device": { mqtt: { availability: here } }
  - "#/sdfObject/Kiln/sdfProperty/temperature":
      sdfProtocolMap: { mqtt: { read: { topic: state, pointer: /t }, write: { topic: set, pointer: /t } } }
  - "#/sdfObject/Kiln/sdfProperty/door":
      sdfProtocolMap: { mqtt: { topic: door } }
  - "#/sdfObject/Kiln/sdfProperty/burner":
      sdfProtocolMap: { mqtt: { read: { topic: burner, map: { true: "ON", false: "OFF" } }, write: { topic: burner/set, map: { true: "ON", false: "OFF" } } } }
  - "#/sdfObject/Kiln/sdfAction/beep":
      sdfProtocolMap: { mqtt: { topic: set, body: '{"beep":1}' } }
  - "#/sdfObject/Kiln/sdfEvent/alarm":
      sdfProtocolMap: { mqtt: { topic: alarm, pointer: /text } }
FILE
cat >"$site/things/kilns.yaml" <<'FILE'
- { thingId: kiln-1, sdfInstanceOf: { model: mqtt-kiln }, sdfContext: { bus: house, topic: works/kiln-1 } }
- { thingId: kiln-2, sdfInstanceOf: { model: mqtt-kiln }, sdfContext: { bus: house, topic: works/kiln-2 } }
- { thingId: kiln-3, sdfInstanceOf: { model: mqtt-kiln }, sdfContext: { bus: locked-out, topic: works/kiln-3 } }
FILE
exits "the site is good" 0 lintel check "$site"
publish -r -t works/kiln-1/door -m shut
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "a retained message from before the hub's start" '^shut$' lintel get kiln-1/door
start devices mosquitto_sub -h 127.0.0.1 -p "$port" -u device -P device -v -t '#'
soon "the hub says that it is there" 'hub/status online' cat "$here/devices.log"

# Payloads of all kinds.
publish -t works/kiln-1/state -m '{"t":812.5,"more":[1,2,{"x":null}]}'
soon "a value out of JSON" '^812\.5 Cel$' lintel get kiln-1/temperature
publish -t works/kiln-1/door -m open
soon "a plain text" '^open$' lintel get kiln-1/door
publish -t works/kiln-1/burner -m ON
soon "a mapped one" '^true$' lintel get kiln-1/burner
says "over CoAP" '^812\.5$' coap "$base/d/kiln-1/Kiln/p/temperature"
for bad in '{"t":' 'no JSON at all' '[]' '{"t":"hot"}' '{"t":{"deep":1}}' '{"u":1}' '{"t":NaN}' '{"t":1e999}' '"t"' $'\xff\xfe'; do
    publish -t works/kiln-1/state -m "$bad"
done
publish -t works/kiln-1/state -n
soon "no JSON is bad, with the reason" '5\.0[24] .' coap "$base/d/kiln-1/Kiln/p/temperature"
publish -t works/kiln-1/state -m '{"t":900}'
soon "the next good one is good" '^900 Cel$' lintel get kiln-1/temperature
publish -t works/kiln-1/burner -m MAYBE
soon "a word that the map does not have" 'MAYBE|map' lintel get kiln-1/burner
publish -t works/kiln-1/burner -m OFF
soon "and one that it has" '^false$' lintel get kiln-1/burner
head -c 1048576 /dev/zero | tr '\0' 'x' >"$here/big"
publish -t works/kiln-1/state -f "$here/big"
publish -t works/kiln-1/door -f "$here/big"
soon "a megabyte is dropped and told" '1,?048,?576|larger|too (long|large|big)|maxPayload' cat "$here/linteld.log"
python3 -c "print('[' * 100000)" >"$here/deep"
publish -t works/kiln-1/state -f "$here/deep"
publish -t works/kiln-1/state -m '{"t":901}'
soon "deep nesting harms nobody" '^901 Cel$' lintel get kiln-1/temperature
publish -t works/kiln-1/door -m closed
soon "nor does what came before" '^closed$' lintel get kiln-1/door

# Availability.
publish -t works/kiln-1/here -m offline
soon "a device that says offline is away" 'offline|stale' lintel get kiln-1/temperature
says "the other one is not" '^kiln-2 .*(ok|starting)' lintel things
publish -t works/kiln-1/here -m online
publish -t works/kiln-1/state -m '{"t":650}'
soon "and back" '^650 Cel$' lintel get kiln-1/temperature
publish -t works/kiln-1/here -m '{"state":"offline"}'
soon "the same in JSON" 'offline|stale' lintel get kiln-1/temperature
publish -t works/kiln-1/here -m '{"state":"online"}'
publish -t works/kiln-1/state -m '{"t":651}'
soon "and back in JSON" '^651 Cel$' lintel get kiln-1/temperature

# Commands.
exits "a write" 0 lintel set kiln-1/temperature 700
soon "is published" 'works/kiln-1/set \{"t": ?700(\.0)?\}' cat "$here/devices.log"
exits "a mapped write" 0 lintel set kiln-1/burner on
soon "is published as the device's word" 'works/kiln-1/burner/set ON' cat "$here/devices.log"
says_not "an action" '[45]\.[0-9]' coap -m post "$base/d/kiln-1/Kiln/a/beep"
soon "is published" 'works/kiln-1/set \{"beep":1\}' cat "$here/devices.log"
says "out of range is refused" '4\.22.*1400' coap -m put -t 50 -e 1401 "$base/d/kiln-1/Kiln/p/temperature"
says "read-only is refused" '4\.05.*read-only' coap -m put -t 50 -e '"open"' "$base/d/kiln-1/Kiln/p/door"
says_not "and nothing of it published" '1401|door/set' cat "$here/devices.log"

# An event is observed.
start observer coap-client-notls -B 60 -s 60 "$base/d/kiln-1/Kiln/e/alarm"
start watcher "$build/bin/lintel" watch kiln-1/alarm
soon "both observe" '^2$' bash -c "'$build/bin/lintel' --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"subscriptions\"])'"
publish -t works/kiln-1/alarm -m '{"text":"too hot"}'
soon "an event reaches a CoAP client" '"too hot"' cat "$here/observer.log"
soon "and the command line" 'alarm +too hot' cat "$here/watcher.log"
publish -t works/kiln-1/alarm -m '{"text":"too hot"}'
soon "twice the same event is two events" '2' grep -c 'too hot' "$here/watcher.log"

# The password is wrong: that bus says so, and nobody ever shows a password.
soon "a wrong password is told" 'locked-out .*(password|authori)' lintel status
says "the other bus is up" '^house +mqtt .* up ' lintel status

# The broker dies.
start follow "$build/bin/lintel" watch kiln-1/temperature kiln-2/temperature
wait_log follow 'kiln-1/Kiln/temperature +651' || not_ok "the value is followed"
kill -9 "$broker"
wait "$broker" 2>/dev/null
soon "its values are stale" 'stale' lintel get kiln-1/temperature
soon "observers are told" 'temperature .*stale' cat "$here/follow.log"
soon "status says which broker" "house .*127\.0\.0\.1" lintel status
says "a write says why it can't be" 'no connection|broker' lintel set kiln-1/temperature 700
start_broker
soon "the hub is back" '^house +mqtt .* up ' lintel status
# What was published before the hub has subscribed again reaches nobody: published until it does.
soon "and has subscribed again: fresh values" '^333 Cel$' bash -c "mosquitto_pub -h 127.0.0.1 -p $port -u device -P device -t works/kiln-1/state -m '{\"t\":333}'; '$build/bin/lintel' get kiln-1/temperature"
soon "observers are told" 'temperature +333 Cel$' cat "$here/follow.log"
exits "writes too" 0 lintel set kiln-1/temperature 444

start last mosquitto_sub -h 127.0.0.1 -p "$port" -u device -P device -v -t 'hub/#'
soon "the hub says that it is there again" 'hub/status online' cat "$here/last.log"
kill "$hub"
wait "$hub"
soon "and that it ends" 'hub/status offline' cat "$here/last.log"
says_not "no password stands in a log" "$word" cat "$here/linteld.log"
says_not "nor in the site's listing" "$word" lintel --json check "$site"
says_not "nor in an argument of a process" "$word" ps -eo args
finish
