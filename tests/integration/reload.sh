#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lintel reload and SIGHUP: changed files are taken in, unchanged things are not touched, an error refuses the whole.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port)
export LINTEL_PLUGIN_PATH=$build/plugins
mkdir -p "$site"/{models,bindings,things}
cat >"$site/lintel.yaml" <<FILE
hub: { name: reload }
buses:
  one: { plugin: fake }
  two: { plugin: fake }
transports:
  coap: { plugin: coap, listen: ["coap://[::1]:$port"] }
FILE
cat >"$site/models/box.sdf.yaml" <<'FILE'
info: { title: "Box", version: "1.0.0", license: CC0-1.0 }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
sdfObject: { Box: { sdfProperty: { count: { type: integer, writable: false } } } }
FILE
cat >"$site/bindings/fake-box.sdf-supplement.yaml" <<'FILE'
info: { title: "Fake box", version: "1.0.0" }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
amend:
  - "#/sdfObject/Box/sdfProperty/count": { sdfProtocolMap: { fake: { kind: counter, poll: 1 } } }
FILE
cat >"$site/things/boxes.yaml" <<'FILE'
- { thingId: a, sdfInstanceOf: { model: fake-box }, sdfContext: { bus: one } }
- { thingId: b, sdfInstanceOf: { model: fake-box }, sdfContext: { bus: two } }
FILE
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "a is there" '^[0-9]+' lintel get a/count
soon "b is there" '^[0-9]+' lintel get b/count

# An observation of a must live through everything that does not concern a.
start watch "$build/bin/lintel" watch a
wait_log watch 'a/Box/count' || not_ok "a is watched"
says "nothing has changed" 'taken in: 0 added, 0 changed, 0 removed, 5 untouched' lintel reload

echo '- { thingId: c, sdfInstanceOf: { model: fake-box }, sdfContext: { bus: two } }' >"$site/things/more.yaml"
says "a thing is added" '1 added, 0 changed, 0 removed' lintel reload
soon "and speaks" '^[0-9]+' lintel get c/count
says "over CoAP too" '</d/c>' coap "coap://[::1]:$port/.well-known/core"

start see-c coap-client-notls -w -B 40 -s 40 "coap://[::1]:$port/d/c/Box/p/count"
wait_log see-c '^[0-9]' || not_ok "c is observed"
sed -i 's/thingId: c, /thingId: c, label: x, /; s/label: x, //; s/bus: two }/bus: two, location: "attic" }/' "$site/things/more.yaml"
says "a thing is changed" '0 added, 1 changed, 0 removed' lintel reload
says "and shows it" 'attic' lintel things c
says_not "its value is not lost" 'starting|stale' lintel things c
lines=$(wc -l <"$here/see-c.log")
soon "who observes it goes on" more bash -c "[ \$(wc -l <'$here/see-c.log') -gt $((lines + 1)) ] && echo more"
says_not "without an error" '^[45]\.' cat "$here/see-c.log"

sed -i 's/bus: one/bus: oen/' "$site/things/boxes.yaml"
says "an error refuses the whole" 'boxes.yaml:1:[0-9]+: error: .*oen.*one' lintel reload
exits "with status 1" 1 lintel reload
says "and the running one goes on" '^[0-9]+' lintel get a/count
sed -i 's/bus: oen/bus: one/' "$site/things/boxes.yaml"

busy=$(free_port)
start holder python3 -c "
import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::1', $busy)); print('holds', flush=True); time.sleep(60)"
wait_log holder holds
cp "$site/lintel.yaml" "$here/good.yaml"
cp "$site/things/more.yaml" "$here/more.yaml"
sed -i "s/:$port/:$busy/" "$site/lintel.yaml"
echo '- { thingId: d, sdfInstanceOf: { model: fake-box }, sdfContext: { bus: two } }' >>"$site/things/more.yaml"
says "a transport that can't start refuses the whole" 'transport coap does not start' lintel reload
says "the transport before is back" '</d/c>' coap "coap://[::1]:$port/.well-known/core"
says "and nothing else was taken in" 'no thing' lintel get d
cp "$here/good.yaml" "$site/lintel.yaml"
cp "$here/more.yaml" "$site/things/more.yaml"

rm "$site/things/more.yaml"
says "a thing is removed" '0 added, 0 changed, 1 removed' lintel reload
says "and gone" 'no thing' lintel get c
sed -i 's/two: { plugin: fake }/two: { plugin: fake, log: debug }/' "$site/lintel.yaml"
kill -HUP "$hub"
soon "SIGHUP does the same, and counts the bus and its thing" 'reloaded: 0 added, 2 changed, 0 removed, 3 kept' cat "$here/linteld.log"
soon "the changed bus is back" '^[0-9]+' lintel get b/count

before=$(grep -c 'a/Box/count' "$here/watch.log")
soon "the observation of a has lived through all of it" "more" bash -c "[ \$(grep -c 'a/Box/count' '$here/watch.log') -gt $before ] && echo more"
finish
