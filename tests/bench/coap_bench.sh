#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GETs per second, side by side in one run: a bare UDP echo, libcoap's coap-server /time, and the CoAP transport.
#
#   tests/bench/coap_bench.sh [-s SECONDS] [-r ROUNDS] [-w "SOCKETS UNDER-WAY,.."] BUILD-FOLDER [HOST:PORT PATH [PID]]
#
# Servers run on one core, the client on another (SERVER_CORE, CLIENT_CORE; 1 and 0). With HOST:PORT and PATH, a hub
# that runs already is measured as a fourth; with its process id it is put on the servers' core for the time. The
# servers take turns within a round. The figure of each is its median round; a ratio is the median of the rounds' ratios.
set -eu

seconds=3 rounds=3 shapes="4 8,1 1,16 16"
while getopts s:r:w: option; do
    case $option in
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    w) shapes=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -lt 1 ] || [ ! -x "$1/tests/bench/coap_load" ]; then
    sed -n 's/^#   tests.bench./usage: /p' "$0" >&2
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

# The time that a process was on a processor, all threads, in ns; 0 if it can't be known. Other than answers per second,
# it hardly depends on what else the machine does.
cpu()
{
    cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '{ s += $1 } END { printf "%.0f\n", s }'
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
median()
{
    sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}

echo "CoAP GETs per second, median of $rounds rounds of $seconds s"
echo "host: $(uname -sr), $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "server on core $server_core, client on core $client_core; coap-server: ${server:-not installed}"
echo "$shapes" | tr , '\n' >"$work/shapes"
while read -r shape; do
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
        printf '  %-26s %s\n' "$what" "$(median "$work/$name.$sockets.$under_way")"
    done
    for name in lintel hub; do
        [ -f "$work/$name.$sockets.$under_way" ] || continue
        for other in server echo; do
            [ -f "$work/$other.$sockets.$under_way" ] || continue
            paste -d '|' "$work/$name.$sockets.$under_way" "$work/$other.$sockets.$under_way" |
                awk -F '|' '{ split($1, a, " "); split($2, b, " "); print a[1] / b[1] }' >"$work/ratio"
            printf '  %s / %s: %.2f\n' "$name" "$other" "$(median "$work/ratio")"
        done
    done
done <"$work/shapes"
