#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Chaos: under load of all kinds the daemon and each of its children are killed (SIGKILL) at random moments, for SECONDS.
# Usage: chaos.sh SECONDS. The moments are LINTEL_SEED's; those of one run come again by its number. Afterwards: what was
# acknowledged is there, all values are fresh and right, the stores are sound, nothing is left behind and nothing has grown.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
seconds=${1:-120} site=$here/site port=$(free_port) seed=${LINTEL_SEED:-$RANDOM}
base=coap://[::1]:$port
# What the sanitizer keeps of freed memory, to find late uses, is no growth of the hub.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
echo "# LINTEL_SEED=$seed, $seconds s"
RANDOM=$seed
whole_site "$site" "$port" || finish
# Who starts it is no child of ours to be waited for: it is killed, and started again at once, over what it left.
keeper() {
    while [ ! -e "$here/enough" ]; do
        "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state" >>"$here/linteld.log" 2>&1 &
        echo $! >"$here/pid.new" && mv "$here/pid.new" "$here/pid"
        wait $!
        local status=$?
        echo "ended $status" >>"$here/ends"
        [ $status -ne 137 ] || [ -e "$here/enough" ] || continue
        [ $status -eq 137 ] || break
    done
}
mkdir -p "$here/run" "$here/state"
start keeper keeper
keeper=$pid
soon "the hub starts" 'whole: up' lintel status
whole_fresh "before"

# ---- load: each notes what was acknowledged ----
: >"$here/registered"
: >"$here/written"
load_registrations() { # a name of its own each time; some are removed again
    local n=0 answer
    while [ ! -e "$here/enough" ]; do
        n=$((n + 1))
        answer=$(timeout 5 coap-client-notls -v 6 -B 3 -m post -t 40 -e "</x>;rt=chaos" "$base/rd?ep=chaos-$n&lt=86400&base=coap://h" 2>&1)
        grep -q 'c:2\.01' <<<"$answer" && echo "chaos-$n" >>"$here/registered"
        sleep 0.05
    done
}
load_writes() { # a value of its own each time
    local n=0
    while [ ! -e "$here/enough" ]; do
        n=$((n + 1))
        timeout 5 coap-client-notls -v 6 -B 3 -m put -t 50 -e "$n" "$base/d/m3/Dial/p/level" 2>&1 | grep -q 'c:2\.04' && echo "$n" >>"$here/written"
        sleep 0.05
    done
}
load_reads() {
    while [ ! -e "$here/enough" ]; do
        timeout 4 coap-client-notls -B 2 "$base/d/m$((1 + SECONDS % 3))/Dial/p/first" 2>/dev/null | sed 's/$/\n/' >>"$here/read.$((1 + SECONDS % 3))"
        timeout 4 coap-client-notls -B 2 -s 2 "$base/d/own/Box/p/count" >/dev/null 2>&1
    done
}
load_messages() {
    local n=0
    while [ ! -e "$here/enough" ]; do
        n=$((n + 1))
        echo "$n"
        sleep 0.02
    done | mosquitto_pub -h 127.0.0.1 -p "$broker_port" -t works/k1/first -l
}
load_watch() { while [ ! -e "$here/enough" ]; do "$build/bin/lintel" --json watch m1 m2 m3 >>"$here/watch.out" 2>/dev/null; sleep 0.1; done; }
# A start that meets a file half written, or gone since it was listed, rightly refuses the site: so it is changed as a whole.
guests() { echo "$1" >"$here/guest" && mv "$here/guest" "$site/things/guest.yaml"; }
guests "[]"
load_reloads() { # a thing comes and goes
    while [ ! -e "$here/enough" ]; do
        guests "- { thingId: guest, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: thread } }"
        lintel reload >/dev/null 2>&1
        sleep 0.5
        guests "[]"
        lintel reload >/dev/null 2>&1
        sleep 0.5
    done
}
loads=()
for load in load_registrations load_writes load_reads load_messages load_watch load_reloads; do
    start "$load" "$load"
    loads+=("$pid")
done

# ---- kills ----
kills=0 daemon=0 children=0 end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
    sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
    hub=$(cat "$here/pid")
    mapfile -t hosts < <(pgrep -P "$hub" lintel-host 2>/dev/null)
    if [ $((RANDOM % 4)) -eq 0 ] || [ ${#hosts[@]} -eq 0 ]; then
        kill -9 "$hub" 2>/dev/null && daemon=$((daemon + 1))
    else
        kill -9 "${hosts[RANDOM % ${#hosts[@]}]}" 2>/dev/null && children=$((children + 1))
    fi
    kills=$((kills + 1))
done
# Figures of memory and descriptors are taken from one life: a while after its start, and after as long again of deaths of
# children alone.
soon "it is up after the last kill" 'whole: up' lintel status
hub=$(cat "$here/pid")
kb() { awk '/^VmRSS/ {print $2}' "/proc/$hub/status"; }
# Less one for each child that lives: how many rest in an alarm is another number each time.
descriptors() { echo $(($(ls "/proc/$hub/fd" | wc -l) - $(pgrep -c -P "$hub" lintel-host))); }
massacre() { # N children, one after the other
    local i
    for ((i = 0; i < $1; i++)); do
        mapfile -t hosts < <(pgrep -P "$hub" lintel-host)
        [ ${#hosts[@]} -eq 0 ] || { kill -9 "${hosts[RANDOM % ${#hosts[@]}]}" 2>/dev/null && children=$((children + 1)); }
        sleep 0.3
    done
}
massacre $((2 + seconds / 20))
memory=$(kb) open=$(descriptors)
massacre $((2 + seconds / 20))
touch "$here/enough.load"

# ---- afterwards ----
for p in "${loads[@]}"; do
    mapfile -t own < <(pgrep -P "$p")
    kill "${own[@]}" 2>/dev/null
    stop "$p"
done
echo "# $daemon deaths of the daemon, $children of children; $(wc -l <"$here/registered") registrations and $(wc -l <"$here/written") writes acknowledged"
exits "there were deaths" 0 test $((daemon + children)) -ge $((seconds / 3))
exits "and acknowledged registrations" 0 test "$(wc -l <"$here/registered")" -gt "$((seconds / 5))"
exits "and acknowledged writes" 0 test "$(wc -l <"$here/written")" -gt "$((seconds / 5))"
rm -f "$site/things/guest.yaml"
soon "the hub takes its site" 'taken in' lintel reload
# A bus whose process ended five times in this life is tried rarely, until somebody says that it may be tried again.
mapfile -t alarms < <(lintel status | awk '$4 == "alarm" {print $1}')
echo "# in alarm: ${alarms[*]:-none}"
for bus in "${alarms[@]}"; do soon "$bus is tried again when it is told to be" "^$bus: .* -> " lintel plugin reload "$bus"; done
whole_fresh "after"
exits "it is the same life still" 0 test "$hub" = "$(cat "$here/pid")"
grown=$(($(kb) - memory)) more=$(($(descriptors) - open))
echo "# in one life, under deaths of children: $memory KiB, $grown KiB more; $open descriptors, $more more"
exits "no descriptor is left behind" 0 test $more -le 2
# Under the thread sanitizer memory is that of its shadow, which grows with each new piece of code.
grep -q '^LINTEL_SANITIZE = .*thread' "$build/Makefile" || exits "memory is flat" 0 test $grown -lt 8192

# Whatever was acknowledged must be there, in the life after one more kill.
kill -9 "$hub"
soon "it is up once more" 'whole: up' bash -c "[ \"\$(cat '$here/pid')\" != $hub ] && '$build/bin/lintel' status"
lintel --json directory | python3 -c '
import json, sys
there = {r["ep"] for r in json.load(sys.stdin)}
want = open(sys.argv[1]).read().split()
print("missing", [w for w in want if w not in there])' "$here/registered" >"$here/missing" 2>&1
says "each acknowledged registration is there" '^missing \[\]$' cat "$here/missing"
lintel --json audit count=10000 thing=m3 | python3 -c '
import json, sys
entries = json.load(sys.stdin)
there = {e["new"] for e in entries}
want = open(sys.argv[1]).read().split()
print("missing", [w for w in want if w not in there])' "$here/written" >"$here/lost" 2>&1
says "the trail has each acknowledged write" '^missing \[\]$' cat "$here/lost"
for i in 1 2 3; do
    [ ! -s "$here/read.$i" ] || says_not "client $i saw no value of another" "^[0-9]+\$" bash -c "tr -d '\0' <'$here/read.$i' | grep -E '^[0-9]+$' | grep -vx '[123]000' || true"
done
says_not "no value came from elsewhere" stray strays "$here/watch.out"
says "among many" 'values [0-9]{2}' strays "$here/watch.out"

touch "$here/enough"
hub=$(cat "$here/pid")
kill "$hub"
wait "$keeper" 2>/dev/null
says "it ends well" 'ended 0' tail -1 "$here/ends"
[ $failed -eq 0 ] || { echo "# the ends of the daemon's log:"; tail -40 "$here/linteld.log" | sed 's/^/#   /'; }
says_not "no life ended but by a kill of ours" 'ended ([1-9]|1[0-24-9].)$|ended 13[0-689]' sed '$d' "$here/ends"
left=$(ps -eo args | grep -F "$here/run" | grep -v grep)
if [ -z "$left" ]; then ok "no process is left"; else not_ok "no process is left" "$left"; fi
exits "no socket" 1 test -e "$here/run/lintel.sock"
says "the stores are sound" '^2 stores audit.db ok directory.db ok $' bash -c "$(declare -f stores_sound); stores_sound '$here/state' | tr '\n' ' '"
finish
