#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may do what, and the trail of it: a hub and a CoAP client in network namespaces of their own, an unprotected
# listener between them, a table of rights.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site
mkdir -p "$site/secrets"
boxes "$site"
zone() { echo "- { thingId: $1, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: one, zone: $2 } }"; }
{ zone shown public; zone free open; zone room rooms; } >"$site/things/boxes.yaml"

# write_site ROWS: lintel.yaml with these rights.
write_site() {
    cat >"$site/lintel.yaml" <<YAML
hub: { name: rights }
buses:
  one: { plugin: fake }
transports:
  coap: { plugin: coap, listen: ["coap://[fd00:7::1]:5683"], unprotected: yes }
identities:
  sensor-1: { psk: "secret:sensor-1", roles: [sensors] }
rights:
  - { who: sensors, zones: rooms, may: [read, register] }
$1
YAML
    carry "$site"
}
anybody='  - { who: anybody, zones: public, may: read }
  - { who: anybody, zones: open, may: [read, write] }'
write_site "$anybody"
key=K4fj20slwq-PX0d-u7Gm
install -m 600 /dev/stdin "$site/secrets/sensor-1" <<<"$key"

# What lintel check says of it.
export LINTEL_PLUGIN_PATH=$build/plugins:$build/plugins/fake
exits "the site is good" 0 lintel check "$site"
install -m 600 /dev/stdin "$site/secrets/other" <<<"$key"
sed -i 's|^rights:|  other: { psk: "secret:other" }\nrights:|' "$site/lintel.yaml"
says "one key for two is refused" 'lintel.yaml:8:17: error: sensor-1 and other have the same key' lintel check "$site"
echo short | install -m 600 /dev/stdin "$site/secrets/other"
says "a short key is refused" 'error: a key has 16 to 64 bytes, not 5' lintel check "$site"
says_not "and not shown" 'short' lintel check "$site"
install -m 644 /dev/stdin "$site/secrets/other" <<<"q7Rw-91xPz:ee4Lk+uT"
says "a key that others may read is refused" 'chmod 600' lintel check "$site"
write_site "$anybody
  - { who: sensor, zones: public, may: read }"
says "a name that nobody has" 'lintel.yaml:12:12: error: who: "sensor" is neither .*did you mean "sensors"' lintel check "$site"
write_site "$anybody
  - { who: sensors, zones: pubic, may: read }"
says "a zone that no thing is in is told" 'warning: zones: no thing is in the zone "pubic" \(did you mean "public"' lintel check "$site"
write_site "$anybody"

if ! unshare -n true 2>/dev/null || ! ip netns add "lt$$h" 2>/dev/null; then
    echo "# no network namespaces for this user: the rest is left out"
    finish
fi
ip netns add "lt$$c"
gone() { ip netns del "lt$$h"; ip netns del "lt$$c"; }
trap 'cleanup; gone' EXIT
ip -n "lt$$h" link add v0 type veth peer name v1 netns "lt$$c"
for side in h:v0:fd00:7::1 c:v1:fd00:7::2; do
    IFS=: read -r end card address <<<"$side"
    ip -n "lt$$$end" link set lo up
    ip -n "lt$$$end" link set "$card" up
    ip -n "lt$$$end" addr add "$address/64" dev "$card" nodad
done
client() { timeout 20 ip netns exec "lt$$c" coap-client-notls -B 5 "$@" 2>&1; }
start_there() {
    start linteld ip netns exec "lt$$h" "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
    hub=$pid
    wait_log linteld 'rights runs' && return
    not_ok "the hub starts"
    finish
}
mkdir -p "$here/run" "$here/state"
start_there
base=coap://[fd00:7::1]

soon "anybody may read what is public" '^[0-9]+$' client "$base/d/shown/Box/p/count"
says "and no other zone" '4\.01' client "$base/d/room/Box/p/count"
says "and not write there" '4\.01' client -m put -t 50 -e 20 "$base/d/shown/Box/p/level"
says_not "where it may write, it writes" '4\.|5\.' client -m put -t 50 -e 20 "$base/d/free/Box/p/level"
says "and the device has it" '^20 %' lintel get free/level
says "the hub's own are not for anybody" '4\.01' client "$base/hub/status"
says "nor is reloading" '4\.01' client -m post "$base/hub/reload"
says "links show what may be read" '</d/shown>' client "$base/.well-known/core"
says_not "and nothing else" 'room|/hub/' client "$base/.well-known/core"
says "also the list of things" '</d/free>' client "$base/d"
says_not "without the others" 'room' client "$base/d"
says "loopback and the local socket may all" '^[0-9]' lintel get room/count
exits "and write" 0 lintel set room/level 40
exits "but not beyond the model" 1 lintel set room/level 140

# The trail.
says "what was written is recorded: who, from, old, new, what was read back" \
    '^20[0-9-]+ [0-9:]+ +not known +\[fd00:7::2\]:[0-9]+ .*write +free/level +[0-9.]+ +20 +ok, reads 20$' lintel audit thing=free
says "by the local socket too" 'uid [0-9]+ +local socket .*write +room/level +[0-9.]+ +40 +ok, reads 40' lintel audit thing=room
says "what the model refused" 'refused: .*100' lintel audit thing=room
says "what the rights refused" 'shown/level +refused: may not write in the zone public' lintel audit thing=shown
says "also what is no thing's" 'manage .*refused: may not manage the hub' lintel audit
says "as JSON" '"old": "[0-9.]+"' lintel --json audit thing=free count=1
says "the newest ones only" '^1$' bash -c "'$build/bin/lintel' --json audit count=1 | grep -c '\"number\"'"
says "by whom" '^[1-9]$' bash -c "'$build/bin/lintel' --json audit who='uid $(id -u)' | grep -c '\"number\"'"
exits "a slip in an argument is refused" 1 lintel audit thnig=x
exits "and a word alone" 2 lintel audit free
says "a table fits the terminal" '^0$' bash -c "COLUMNS=80 '$build/bin/lintel' audit | awk 'length > 80' | wc -l"
says_not "no key is shown anywhere" "$key" bash -c \
    "cat '$here/linteld.log' '$here/state'/audit.db* | tr -d '\\0'; '$build/bin/lintel' --json status; '$build/bin/lintel' --json audit"
says "the trail is nobody else's" '^600$' stat -c %a "$here/state/audit.db"

# Refusals don't wash the others out.
for _ in $(seq 40); do echo "coap-client-notls -N -B 1 -m put -t 50 -e 1 $base/d/shown/Box/p/level"; done >"$here/flood.sh"
timeout 60 ip netns exec "lt$$c" xargs -a "$here/flood.sh" -P 8 -I{} sh -c '{} >/dev/null 2>&1'
says "many refusals of one peer are counted, not recorded" '"leftOut": [1-9]' lintel --json status
says "and few of them kept" '^([1-9]|1[0-9])$' bash -c "'$build/bin/lintel' --json audit thing=shown count=1000 | grep -c '\"refused\": true'"

# A right that is taken away ends what it allowed.
start watch ip netns exec "lt$$c" coap-client-notls -B 30 -s 30 "$base/d/shown/Box/p/count"
wait_log watch '[0-9]' || not_ok "the client observes"
write_site '  - { who: anybody, zones: open, may: read }
  - { who: local, zones: all, may: [read, manage] }'
exits "rights are taken in" 0 lintel reload
if wait_log watch '4\.01'; then ok "the observation is ended with 4.01"; else not_ok "the observation is ended with 4.01"; fi
says "and it can't be asked for again" '4\.01' client "$base/d/shown/Box/p/count"
says "what was left is left" '^20$' client "$base/d/free/Box/p/level"
says "but not the right to write" '4\.01' client -m put -t 50 -e 30 "$base/d/free/Box/p/level"
says "rows of local rule this machine" 'this machine may not write in the zone rooms' lintel set room/level 50
says "which still reads" '^40 %' lintel get room/level
write_site "$anybody"
exits "and given back" 0 lintel reload
exits "it may write again" 0 lintel set room/level 41

# The trail survives.
before=$(lintel --json audit count=10000 2>/dev/null | grep -c '"number"')
kill -9 "$hub"
wait "$hub" 2>/dev/null
start_there
says "the trail survives a kill" "^$before$" bash -c "'$build/bin/lintel' --json audit count=10000 | grep -c '\"number\"'"
exits "and goes on" 0 lintel set room/level 42
says "with the next number" "\"number\": $((before + 1))" lintel --json audit count=1
finish
