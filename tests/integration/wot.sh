#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A consumer of the Web of Things (node-wot) fetches descriptions and uses things by the names in them. Its packages come from
# npm (`./setup check` installs them, and says where by LINTEL_WOT); without them the test is skipped.
# In a network of its own where that can be had, since things get addresses there.
if [ "${LINTEL_IN_NAMESPACE:-}" = "" ] && unshare -n ip link set lo up 2>/dev/null; then
    LINTEL_IN_NAMESPACE=yes exec unshare -n "$0" "$@"
fi
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
[ "${LINTEL_IN_NAMESPACE:-}" = "" ] || ip link set lo up
wot=${LINTEL_WOT:-$build/wot}
if [ ! -d "$wot/node_modules" ] || ! command -v node >/dev/null; then
    echo "# skipped: no node, or no packages in $wot"
    exit 77
fi
export LINTEL_DEMO_DIR=$here/demo LINTEL_RUN=$here/demo/run LINTEL_DEMO_PORT
LINTEL_DEMO_PORT=$(free_port)
base=coap://[::1]:$LINTEL_DEMO_PORT
start demo "$source_dir/tests/sim/demo" "$build"
wait_log demo 'Ctrl-C ends all of it' || { not_ok "the demo starts"; finish; }

consumer() { (cd "$wot" && timeout 40 node "$source_dir/tests/wot/consumer.js" "$@"); }

soon "the heat pump has a value" '^[0-9.]+$' coap "$base/d/heat-pump/HeatPump/p/setPoint"
soon "the lamp has a value" 'true|false' coap "$base/d/lamp-1/Lamp/p/on"
for thing in main-meter tenant-meter heat-pump meeting-room-air lamp-1 switch-1; do
    says "the description of $thing holds to the schema of TD 1.1" '"title":' consumer validate "$base/d/$thing/td"
done
says "the hub's own too" '"properties":\["things"\].*"retrieveThing"' consumer validate "$base/.well-known/wot"
says "its link leads to a Thing Model" '"type":"tm:ThingModel"' consumer models "$base/d/lamp-1/td"
says "a property is read by its name" '^(true|false)$' consumer read "$base/d/lamp-1/td" on
says "a number too" '^[0-9.]+$' consumer read "$base/d/main-meter/td" activePower
says "a property is written, and read back from the device" '^47.5$' consumer write "$base/d/heat-pump/td" setPoint 47.5
says "observed: two values came" '^\[(true|false),(true|false)\]$' consumer observe "$base/d/lamp-1/td" on
says "an action is invoked" '^null$' consumer invoke "$base/d/lamp-1/td" identify
says "an event is subscribed to" '^\["(single|double|triple|hold|release)"\]$' consumer subscribe "$base/d/switch-1/td" pressed

exits "the directory of descriptions lists all things in pages" 0 python3 -c '
import json, subprocess, sys
def get(path):
    out = subprocess.run(["coap-client-notls", "-B", "5", "-o", sys.argv[2], sys.argv[1] + path], timeout=20)
    return json.load(open(sys.argv[2]))
all = get("/tdd/things")
assert [t["title"] for t in all] and all[0]["base"].endswith("/d/main-meter/"), all
assert get("/tdd/things?offset=1&limit=2") == all[1:3]
assert get("/tdd/things/lamp-1") in all
' "$base" "$here/answer"
says "a page that can't be" '4\.00.*limit' coap "$base/tdd/things?limit=0"
says "bindings are listed" '</maps/acme-em1>;ct=50' coap "$base/maps"
exits "and shown as they were written" 0 bash -c '
    coap-client-notls -B 5 "$1/maps/acme-em1" | python3 -c "
import json, sys
m = json.load(sys.stdin)
assert any(\"sdfProtocolMap\" in json.dumps(step) for step in m[\"amend\"]), m"' - "$base"
says "directories of descriptions are found by type" '</.well-known/wot>;rt="wot.directory"' coap "$base/.well-known/core?rt=wot.directory"
says "descriptions too" '</d/lamp-1/td>;rt="wot.thing";ct="432 50"' coap "$base/d/lamp-1?rt=wot.thing"
if [ "${LINTEL_IN_NAMESPACE:-}" = yes ]; then
    # The consumer has no Echo (RFC 9175), and comes from an address that is not loopback.
    sed -i 's|^  coap: .*|  coap: { plugin: coap, listen: ["coap://[::1]:'"$LINTEL_DEMO_PORT"'"], prefix: "fd00:db8:7::/64", unprotected: yes, echo: off }|' \
        "$here/demo/site/lintel.yaml"
    carry "$here/demo/site"
    says "things get addresses of their own by a reload" 'taken in' lintel reload
    own() {
        lintel --json directory | python3 -c 'import json, sys; print(next(e["base"] for e in json.load(sys.stdin) if e["ep"] == sys.argv[1]))' "$1"
    }
    soon "the directory tells a thing's own address" '^coap://\[fd00:db8:7:' own lamp-1
    says "a description at the thing's own address holds to the schema" '"title":"lamp-1"' consumer validate "$(own lamp-1)/.well-known/wot"
    says "a property is read there by its name" '^(true|false)$' consumer read "$(own lamp-1)/.well-known/wot" on
    says "written" '^46.5$' consumer write "$(own heat-pump)/.well-known/wot" setPoint 46.5
    says "observed" '^\[(true|false),(true|false)\]$' consumer observe "$(own lamp-1)/.well-known/wot" on
    says "invoked" '^null$' consumer invoke "$(own lamp-1)/.well-known/wot" identify
    says "a resource lookup by type finds all descriptions" '^<coap://\[fd00:db8:7:[0-9a-f:]*\]/.well-known/wot>;rt="wot.thing"' coap "$base/rd-lookup/res?rt=wot.thing&ep=lamp-1"
fi
says "a description in another format" '4\.06.*432' coap -A 60 "$base/d/lamp-1/td"
finish
