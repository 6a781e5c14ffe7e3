#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Transports in a child process: what a client sees is what one inside the daemon does; a child that is killed takes nobody with
# it; settings that can't be are told to who reloads.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port) other=$(free_port) third=$(free_port)
base=coap://[::1]:$port inside=coap://[::1]:$other
boxes "$site"
write_site() {
    cat >"$site/lintel.yaml" <<FILE
hub: { name: carried }
buses:
  store: { plugin: fake }
transports:
  outside: { plugin: coap, isolation: process, listen: ["$base"]${1:-} }
  inside: { plugin: coap, isolation: thread, listen: ["$inside"] }
  mounted: { plugin: plugtest, isolation: process, period: 0.5 }
${2:-}
directory: { keep: yes }
FILE
}
write_site
box "$site" store
start_hub "$site" || { not_ok "the hub starts"; finish; }
# What lintel status says of a transport: TRANSPORT KEY.
at() {
    lintel --json status 2>/dev/null | python3 -c '
import json, sys
name, key = sys.argv[1:]
print(next(t[key] for t in json.load(sys.stdin)["daemon"]["transports"] if t["transport"] == name))' "$@"
}
says "status: in a child" '^process$' at outside isolation
says "status: in the daemon" '^thread$' at inside isolation
says "the table tells both" 'outside +coap +process +running +[0-9]+ +0' lintel status
exits "a child that lives" 0 alive "$(at outside pid)"

soon "a value" '^[0-9]+$' coap "$base/d/store/Box/p/count"
says_not "a value is written" '[45]\.[0-9][0-9]' coap -m put -t 50 -e 17 "$base/d/store/Box/p/level"
soon "and is there, by the other transport" '^17$' coap "$inside/d/store/Box/p/level"
says "an answer that is there travels in the acknowledgement" 't:ACK c:2\.05' coap -v 6 "$base/d/store/Box/p/level"
says "errors say what is near" '4\.04 .*did you mean count' coap "$base/d/store/Box/p/cuont"
coap -b 64 "$base/.well-known/core" >"$here/blocks"
coap "$inside/.well-known/core" >"$here/whole"
exits "blocks are those of the other transport" 0 cmp "$here/blocks" "$here/whole"
says "what a child has mounted is served" 'This is a test' coap "$inside/test"
says "also by another child" 'This is a test' coap "$base/test"
streams "and observed" '([0-9]+[^0-9]*){3}' coap-client-notls -B 30 -s 30 "$base/obs"

# The child of coap is killed: the others live, and clients come back to a new one.
says_not "registered" '[45]\.[0-9][0-9]' coap -m post -t 40 -e '</s>;rt="t"' "$base/rd?ep=node-1&lt=3600"
start watching coap-client-notls -B 60 -s 60 "$inside/d/store/Box/p/count"
wait_log watching '[0-9]' || not_ok "an observer of the other transport"
before=$(at outside pid) mounted=$(at mounted pid)
kill -9 "$before"
says "the other transport answers" '^17$' coap "$inside/d/store/Box/p/level"
soon "the child is started again" '^1$' at outside restarts
soon "and runs" '^running$' at outside state
says_not "it is another one" "^$before\$" at outside pid
says "the third was not touched" "^$mounted\$" at mounted pid
says "the log says why" 'outside: the transport is gone: its process was killed by signal 9' cat "$here/linteld.log"
soon "clients are served again" '^17$' coap "$base/d/store/Box/p/level"
says "the registration is there" 'node-1' coap "$base/rd-lookup/ep?ep=node-1"
streams "who observes anew is told" '([0-9]+[^0-9]*){3}' coap-client-notls -B 30 -s 30 "$base/d/store/Box/p/count"
size=$(wc -c <"$here/watching.log")
soon "who observed by the other goes on" more bash -c "[ \$(wc -c <'$here/watching.log') -gt $size ] && echo more"

# So is the one that has mounted.
kill -9 "$mounted"
soon "who asks it meanwhile is told, or served by the next" '5\.03|4\.04|This is a test' coap "$inside/test"
soon "it is mounted again" 'This is a test' coap "$inside/test"

# Reloads: what can't start is told, and what was there goes on; what has changed takes its own port over.
write_site "" "  broken: { plugin: coap, isolation: process, listen: [\"coap://[::1]:$port\"] }"
says "a transport that can't start is told to who reloads" "lintel.yaml:8:3: .*broken does not start: .*another program listens there" lintel reload
says "what was there goes on" '^17$' coap "$base/d/store/Box/p/level"
write_site ", maxSessions: 7" "  added: { plugin: coap, isolation: 'process:both', listen: [\"coap://[::1]:$third\"] }"
exits "changed and added" 0 lintel reload
says "the port was free again" '^17$' coap "$base/d/store/Box/p/level"
says "the new one serves" '^17$' coap "coap://[::1]:$third/d/store/Box/p/level"
says "a shared child has a name" '^process:both$' at added isolation
write_site
exits "and away" 0 lintel reload
says_not "its port is closed" '^17$' coap -B 1 "coap://[::1]:$third/d/store/Box/p/level"

# The hub ends, and no child of it stays.
children=$(at outside pid; at mounted pid)
kill "$hub"
wait "$hub"
exits "the hub ends well" 0 test $? = 0
for child in $children; do
    if alive "$child"; then not_ok "a child has ended with it"; else ok "a child has ended with it"; fi
done
finish
