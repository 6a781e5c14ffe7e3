#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GETs per second, side by side in one run: a bare UDP echo, libcoap's coap-server /time, and the CoAP transport.
#
#   tests/bench/coap_bench.sh [-s SECONDS] [-r ROUNDS] BUILD-FOLDER [HOST:PORT PATH [PID]]
#
# Servers run on one core, the client on another (SERVER_CORE, CLIENT_CORE; 1 and 0). With HOST:PORT and PATH, a hub
# that runs already is measured as a fourth; with its process id it is put on the servers' core for the time. The figure
# of each is the best of all rounds, since whatever disturbs a round makes it slower.
set -eu

seconds=3 rounds=3
while getopts s:r: option; do
    case $option in
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -lt 1 ] || [ ! -x "$1/tests/bench/coap_load" ]; then
    echo "usage: coap_bench.sh [-s SECONDS] [-r ROUNDS] BUILD-FOLDER [HOST:PORT PATH [PID]]   (after make bench)" >&2
    exit 2
fi
build=$1 hub=${2:-} hub_path=${3:-} hub_pid=${4:-}
hub_port=${hub##*:} hub_host=${hub%:*}
hub_host=${hub_host#[} hub_host=${hub_host%]}
bench=$build/tests/bench
server_core=${SERVER_CORE:-1} client_core=${CLIENT_CORE:-0}
if [ "$(nproc)" -lt 2 ]; then
    server_core=0 client_core=0
fi
work=$(mktemp -d)
pids='' hub_cores=''
finish()
{
    [ -z "$hub_cores" ] || taskset -a -p -c "$hub_cores" "$hub_pid" >/dev/null 2>&1 || true
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start NAME COMMAND...: the port is the first line of its output
start()
{
    name=$1
    shift
    taskset -c "$server_core" "$@" >"$work/$name.out" 2>"$work/$name.err" &
    started=$!
    pids="$pids $started"
}
port_of()
{
    for i in 1 2 3 4 5 6 7 8 9 10; do
        if [ -s "$work/$1.out" ]; then
            head -n 1 "$work/$1.out"
            return
        fi
        sleep 0.2
    done
    echo "coap_bench: $1 does not start: $(cat "$work/$1.err")" >&2
    exit 1
}

start echo "$bench/udp_echo" 0
echo_pid=$started
echo_port=$(port_of echo)
start lintel "$bench/coap_host" "$build/plugins/coap/coap.so" 0
lintel_pid=$started
lintel_port=$(port_of lintel)
server=$(command -v coap-server-notls || command -v coap-server || true)
server_port=
if [ -n "$server" ]; then
    # It prints no port, and takes no 0: one that the kernel gave a moment ago is free.
    "$bench/udp_echo" 0 >"$work/free" &
    free=$!
    sleep 0.2
    kill "$free"
    wait "$free" 2>/dev/null || true
    server_port=$(head -n 1 "$work/free")
    start server "$server" -A ::1 -p "$server_port" -v 0
    server_pid=$started
    sleep 0.5
fi

if [ -n "$hub_pid" ]; then
    hub_cores=$(taskset -p -c "$hub_pid" | sed 's/.*: //')
    taskset -a -p -c "$server_core" "$hub_pid" >/dev/null
fi

# The time that a process was on a processor, in ns; 0 if it can't be known. Other than answers per second, it hardly
# depends on what else the machine does.
cpu()
{
    cut -d ' ' -f 1 "/proc/$1/schedstat" 2>/dev/null || echo 0
}

# load NAME PID ADDRESS PORT PATH SOCKETS UNDER-WAY
load()
{
    name=$1 pid=$2
    shift 2
    before=$(cpu "$pid")
    line=$(taskset -c "$client_core" "$bench/coap_load" "$@" "$seconds")
    after=$(cpu "$pid")
    # coap_load warms up for 1.2 s, which it doesn't count.
    awk -v line="$line" -v ns=$((after - before)) -v s="$seconds" \
        'BEGIN { n = line + 0; printf "%s, server CPU %.1f us each\n", line, ns / 1000 / (n * (s + 1.2)) }' \
        >>"$work/$name.$4.$5"
}
names="echo lintel"
[ -z "$server" ] || names="echo server lintel"
[ -z "$hub" ] || names="$names hub"
best()
{
    sort -n -r "$1" | head -n 1
}

echo "CoAP GETs per second, best of $rounds rounds of $seconds s"
echo "host: $(uname -sr), $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "server on core $server_core, client on core $client_core; coap-server: ${server:-not installed}"
for shape in "4 8" "1 1" "16 16"; do
    sockets=${shape% *} under_way=${shape#* }
    for round in $(seq "$rounds"); do
        load echo "$echo_pid" ::1 "$echo_port" time "$sockets" "$under_way"
        [ -z "$server" ] || load server "$server_pid" ::1 "$server_port" time "$sockets" "$under_way"
        load lintel "$lintel_pid" ::1 "$lintel_port" time "$sockets" "$under_way"
        [ -z "$hub" ] || load hub "${hub_pid:-none}" "$hub_host" "$hub_port" "$hub_path" "$sockets" "$under_way"
    done
    echo
    echo "$sockets sockets, $under_way requests under way on each:"
    for name in $names; do
        case $name in
        echo) what="bare UDP echo" ;;
        server) what="coap-server /time" ;;
        lintel) what="coap.so, constant answer" ;;
        hub) what="hub $hub_path" ;;
        esac
        printf '  %-26s %s\n' "$what" "$(best "$work/$name.$sockets.$under_way")"
    done
    for name in lintel hub; do
        [ -f "$work/$name.$sockets.$under_way" ] || continue
        mine=$(best "$work/$name.$sockets.$under_way")
        for other in server echo; do
            [ -f "$work/$other.$sockets.$under_way" ] || continue
            theirs=$(best "$work/$other.$sockets.$under_way")
            awk -v a="$mine" -v b="$theirs" -v n="$name" -v o="$other" '
                function cost(line) { sub(/.*server CPU /, "", line); return line + 0 }
                BEGIN {
                    printf "  %s / %s: %.2f", n, o, (a + 0) / (b + 0)
                    if (cost(a) > 0)
                        printf ", by CPU time %.2f", cost(b) / cost(a)
                    printf "\n"
                }'
        done
    done
done
