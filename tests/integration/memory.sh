#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An allocation fails while the daemon starts, in our code or in a library: it says so and ends, or it runs and serves; it
# never crashes, and never hangs. LINTEL_RUNS starts [100], spread over all allocations of a start.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
has_faults
site=$here/site port=$(free_port)
boxes "$site"
cat >"$site/lintel.yaml" <<FILE
hub: { name: short }
buses:
  thread: { plugin: fake, isolation: thread }
  own: { plugin: fake, isolation: process }
transports:
  coap: { plugin: coap, listen: ["coap://[::1]:$port"] }
FILE
for bus in thread own; do box "$site" $bus; done
mkdir -p "$here/run" "$here/state"
# run N: starts it with the N-th allocation failing; sets status (of its end, or "serves"), and has ended it.
run() {
    local end=$((SECONDS + 15))
    "$faults" "$here/faults" new
    start linteld env LINTEL_FAULTS="$here/faults" LINTEL_FAULT_MALLOC="$1" LINTEL_FAULT_PROGRAM=linteld LD_PRELOAD="$faults_lib" \
        "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
    status=hangs
    while [ $SECONDS -lt $end ]; do
        if ! alive "$pid"; then
            wait "$pid" && status=0 || status=$?
            stop "$pid"
            return
        fi
        [ ! -S "$here/run/lintel.sock" ] || ! timeout 5 "$build/bin/lintel" status >/dev/null 2>&1 || { status=serves; break; }
        sleep 0.02
    done
    kill "$pid" 2>/dev/null
    for ((i = 0; i < 400; i++)); do alive "$pid" || break; sleep 0.02; done
    if alive "$pid"; then
        kill -9 "$pid"
        status="does not end"
    fi
    local ended=0
    wait "$pid" 2>/dev/null || ended=$?
    stop "$pid"
    [ "$status" != serves ] || [ $ended -eq 0 ] || status="serves, then $ended"
}
run 1000000000
says "without a failure it serves" '^serves$' echo "$status"
all=$("$faults" "$here/faults" struck memory)
exits "allocations of a start are counted" 0 test "$all" -gt 1000
runs=${LINTEL_RUNS:-100} served=0 refused=0
for ((k = 0; k < runs; k++)); do
    n=$((1 + k * (all - all / 10) / runs + RANDOM % (all / runs + 1)))
    [ $((k % 4)) -ne 3 ] || n=$n+ # and all after it
    run "$n"
    case $status in
        serves) served=$((served + 1)) ;;
        1 | 3 | 127)
            refused=$((refused + 1))
            [ -s "$here/linteld.log" ] || not_ok "allocation $n of $all: it ends without a word"
            ;;
        *) not_ok "allocation $n of $all: $status" "$(tail -5 "$here/linteld.log")" ;;
    esac
done
echo "# of $runs starts with a failing allocation, of $all, $served served and $refused said why not"
exits "each start ended well" 0 test $((served + refused)) = "$runs"
left=$(ps -eo args | grep -F "$here/run" | grep -v grep)
if [ -z "$left" ]; then ok "nothing is left running"; else not_ok "nothing is left running" "$left"; fi
finish
