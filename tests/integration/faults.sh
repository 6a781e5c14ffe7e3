#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A whole hub on a bad day: calls that are interrupted or do half, a full and a broken disk, no descriptor left, a clock that
# jumps, memory that is out. While it lasts the hub says what is missing and serves on; afterwards all is as it was.
# The faults come from tests/faults/faults.so, preloaded into the hub and its children; LINTEL_FAULT_SEED repeats a run.
export LINTEL_FAULT_SEED=${LINTEL_FAULT_SEED:-$RANDOM}
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
has_faults
site=$here/site port=$(free_port)
base=coap://[::1]:$port
echo "# LINTEL_FAULT_SEED=$LINTEL_FAULT_SEED"
with_faults LINTEL_FAULT_STATE="$here/state"
# fault NAME=NUMBER..: from now on, in the hub and its children.
fault() {
    "$faults" "$here/faults" set "$@"
    "$faults" "$here/faults.children" set "$@"
}
# struck NAME [.children]: how often that fault has come.
struck() { "$faults" "$here/faults${2:-}" struck "$1"; }
faulty_hub() { # COMMAND-BEFORE..: starts it under the faults
    mkdir -p "$here/run" "$here/state"
    start linteld "$@" "${by[@]}" "$linteld" --site "$site" --run "$here/run" --state "$here/state"
    hub=$pid
    local end=$((SECONDS + 15))
    while alive "$hub" && [ $SECONDS -lt $end ]; do
        lintel status >/dev/null 2>&1 && { ok "the hub starts"; return; }
        sleep 0.05
    done
    not_ok "the hub starts" "$(cat "$here/linteld.log")"
    finish
}
register() { coap -v 6 -m post -t 40 -e '</x>;rt=x' "$base/rd?ep=$1&lt=${2:-3600}&base=coap://[2001:db8::1]"; }
troubles() { lintel --json status | grep -oE '"trouble": *"[^"]+' || echo none; }
registered() { coap "$base/rd-lookup/ep" | tr ',' '\n' | grep -cE "ep=\"$1"; }
whole_site "$site" "$port" || finish

# Calls that are interrupted, and streams and files that take half: from the first moment on.
fault short=200 eintr=100
faulty_hub
start watch "$build/bin/lintel" --json watch m1 m2 m3
soon "the broker's value" '^4241$' bash -c "mosquitto_pub -h 127.0.0.1 -p $broker_port -t works/k1/first -m 4241; '$build/bin/lintel' get k1/first"
start observer coap-client-notls -B 900 -s 900 "$base/d/k1/Dial/p/first"
whole_fresh "interrupted"
for i in $(seq 10); do soon "registration $i is taken" 'c:2\.0[14]' register "short-$i"; done
for i in $(seq 5); do exits "a write gets through, $i" 0 lintel set m1/level $((1000 + i)); done
soon "and is read back" '^1005$' lintel get m1/level
exits "a reload" 0 lintel reload
told() { mosquitto_pub -h 127.0.0.1 -p "$broker_port" -t works/k1/first -m "$1"; cat "$here/observer.log"; }
soon "an observer is told" '4243' told 4243
exits "calls were cut, some" 0 test "$(struck short)" -gt 20
exits "and interrupted" 0 test "$(struck eintr)" -gt 100
exits "those of children too" 0 test "$(struck short .children)" -gt 20 -a "$(struck eintr .children)" -gt 20
fault short=0 eintr=0
whole_fresh "calm again"
says "all registrations are there" '^10$' registered short
echo "# $(struck short) short, $(struck eintr) interrupted; in children $(struck short .children) and $(struck eintr .children)"

# The disk is full, then broken: what must be kept is refused, or taken and said not to be kept. Values go on.
for error in 28 5; do
    fault disk=$error
    answer=$(register "full-$error")
    says "$error: a registration is refused, or taken" 'c:(2\.01|5\.0[03])' echo "$answer"
    exits "$error: a command is carried out" 0 lintel set m2/level 7
    soon "$error: the log says that registrations can't be kept" 'kept|disk|written' grep -iE "registrations can|can't be written|space|disk" "$here/linteld.log"
    soon "$error: and so does status" trouble troubles
    says "$error: values go on" '^2000$' lintel get m2/first
done
exits "the disk has refused" 0 test "$(struck disk)" -gt 0
fault disk=0
nudged() { register nudge 600 >/dev/null; troubles; } # a store that rests tries again
soon "there is room again: nothing is troubled" none nudged
says "a registration is kept" 'c:2\.01' register after-full
for i in $(seq 20); do lintel set m3/level $i >/dev/null || not_ok "write $i"; done
soon "the trail goes on" '20' lintel audit count=3 thing=m3
before=$(registered .)

# No descriptor for anything new.
fault emfile=1
says_not "no new client by the local socket" '^whole: up' timeout 3 "$build/bin/lintel" status
says "who needs none is served: CoAP" '^3000$' coap "$base/d/m3/Dial/p/first"
kill -9 "$(pgrep -P "$hub" lintel-host | head -1)" 2>/dev/null || not_ok "a child is killed"
mosquitto_pub -h 127.0.0.1 -p "$broker_port" -t works/k1/first -m 4244
sleep 1
says "the log says what is missing" 'escriptor|many open files|EMFILE' cat "$here/linteld.log"
alive "$hub" && ok "the hub lives" || not_ok "the hub lives"
exits "descriptors were refused" 0 test "$(struck emfile)" -gt 0
fault emfile=0
whole_fresh "descriptors again"

# The clock jumps by hours, both ways: what lasts a time lasts that time.
samples() { coap -A 110 "$base/d/m1/s" | python3 -c '
import json, sys, time
t = 0
for r in json.loads(sys.stdin.read()):
    t = max(t, r.get("bt", 0) + r.get("t", 0))
print("age", round((time.time() + int(sys.argv[1]) - t)))' "$1"; }
for jump in 25200 -25200; do
    register "lasts$jump" 600 >/dev/null
    register "ends$jump" 4 >/dev/null
    fault clock=$jump
    says "$jump s: values go on" '^1000$' lintel get m1/first
    count=$(lintel get own/count)
    sleep 1
    soon "$jump s: polls keep their pace" more bash -c "n=\$('$build/bin/lintel' get own/count); [ \$((n - $count)) -ge 3 ] && [ \$((n - $count)) -le 60 ] && echo more"
    soon "$jump s: samples have the new time" '^age -?[0-9]{1,2}$' samples $jump
    soon "$jump s: there is a child" "^[1-9]" of own pid
    murder "$(of own pid)"
    soon "$jump s: a dead child comes back in its time" '^[0-9]+$' lintel get own/count
    says "$jump s: a registration of ten minutes is there" '^1$' registered "lasts$jump"
    soon "$jump s: one of four seconds has ended" '^0$' registered "ends$jump"
done
exits "the clock was asked" 0 test "$(struck clock)" -gt 10
exits "by children too" 0 test "$(struck clock .children)" -gt 0
echo "# the clock was asked $(struck clock) times, by children $(struck clock .children)"
fault clock=0
whole_fresh "in time"
soon "the observer of the first minute is told" '4245' told 4245

# Everything is as it was told to be, also after an end and a start.
stop "$hub"
left=$(ps -eo args | grep -F "$here/run" | grep -v grep)
if [ -z "$left" ]; then ok "nothing is left running"; else not_ok "nothing is left running" "$left"; fi
says "the stores are sound" '^2 stores audit.db ok directory.db ok $' bash -c "$(declare -f stores_sound); stores_sound '$here/state' | tr '\n' ' '"
faulty_hub
says "what was acknowledged with room on the disk is there" '^10$' registered short-
says "and what was after that" '^1$' registered after-full
says "the clock's jumps have ended nobody's registration" '^2$' registered lasts
soon "the trail has the last write" 'level.*20' lintel audit count=1 thing=m3
says_not "no value came from elsewhere" stray strays "$here/watch.log"
says "among many" 'values [0-9]{2}' strays "$here/watch.log"
stop "$hub"

# A real limit of descriptors, and many clients.
faulty_hub bash -c 'ulimit -n 60 && exec "$@"' limited
start crowd python3 -c '
import socket, sys, time
held = []
for i in range(80):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(1)
    try:
        s.connect(sys.argv[1]); held.append(s)
    except OSError:
        break
print("holds", len(held), flush=True)
time.sleep(60)' "$here/run/lintel.sock"
wait_log crowd holds || not_ok "a crowd comes"
says "a crowd takes all descriptors: CoAP serves on" '^1000$' coap "$base/d/m1/Dial/p/first"
soon "the log says so" 'escriptor|many open files' cat "$here/linteld.log"
stop "$pid"
soon "it goes: all are served" 'whole: up' lintel status
whole_fresh "after a crowd"
stop "$hub"

# A disk that is really full: a small file system of its own, filled by somebody else.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    mkdir -p "$here/state"
    cat >"$here/small.sh" <<'CODE'
mount -t tmpfs -o size=320k,mode=700 small "$1" && mkfifo "$1.fill" "$1.room" || exit 1
( while read -r what <"$1.fill"; do
    case $what in
        fill) head -c 2M /dev/zero >"$1/filler" 2>/dev/null; echo filled ;;
        room) rm -f "$1/filler"; echo room ;;
        check) for f in "$1"/*.db; do echo "$f"; done; ls "$1" ;;
    esac >"$1.room"
done ) &
shift
exec "$@"
CODE
    faulty_hub unshare -m bash "$here/small.sh" "$here/state"
    helper=$(pgrep -P "$hub" -f small.sh)
    tell() { echo "$1" >"$here/state.fill"; cat "$here/state.room"; }
    says "registered with room" 'c:2\.01' register roomy
    says "the disk is filled" filled tell fill
    refused=0 taken=0
    for i in $(seq 30); do
        case $(coap -v 6 -m post -t 40 -e "</x>;title=$(head -c 900 /dev/zero | tr '\0' n)" "$base/rd?ep=tight-$i&base=coap://h") in *c:2.01*) taken=$((taken + 1)) ;; *c:5.0*) refused=$((refused + 1)) ;; *) not_ok "an answer" ;; esac
    done
    echo "# on a full disk $taken were taken, $refused refused"
    soon "status says why" trouble troubles
    says "values go on" '^1000$' lintel get m1/first
    says "room is made" room tell room
    soon "and nothing is troubled" none nudged
    says "the store can be read through the hub's eyes" sound bash -c "cp -a /proc/$hub/root$here/state '$here/copy' && $(declare -f stores_sound); stores_sound '$here/copy' | grep -c ' ok' | sed 's/^2\$/sound/'"
    kill "$helper" 2>/dev/null
    stop "$hub"
else
    echo "# a real full disk needs root: left out"
fi
finish
