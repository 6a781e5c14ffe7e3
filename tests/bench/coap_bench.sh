#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# GETs per second, side by side in one run: a bare UDP echo, libcoap's coap-server /time, and the CoAP transport.
#
#   tests/bench/coap_bench.sh [-b BUILD-DIR] [-s SECONDS] [-r ROUNDS] [ADDRESS PORT PATH]
#
# Servers run on one core, the client on another (SERVER_CORE, CLIENT_CORE; 1 and 0). With ADDRESS PORT PATH, a hub that
# runs already is measured as a fourth; pin it yourself. The figure of each is the best of all rounds, since whatever
# disturbs a round makes it slower.
set -eu

build=. seconds=3 rounds=3
while getopts b:s:r: option; do
    case $option in
    b) build=$OPTARG ;;
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
bench=$build/tests/bench
server_core=${SERVER_CORE:-1} client_core=${CLIENT_CORE:-0}
if [ "$(nproc)" -lt 2 ]; then
    server_core=0 client_core=0
fi
work=$(mktemp -d)
pids=
finish()
{
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
    pids="$pids $!"
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
echo_port=$(port_of echo)
start lintel "$bench/coap_host" "$build/plugins/coap/coap.so" 0
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
    sleep 0.5
fi

# load NAME ADDRESS PORT PATH SOCKETS UNDER-WAY
load()
{
    taskset -c "$client_core" "$bench/coap_load" "$2" "$3" "$4" "$5" "$6" "$seconds" >>"$work/$1.$5.$6"
}
names="echo lintel"
[ -z "$server" ] || names="echo server lintel"
[ $# -lt 3 ] || names="$names hub"
best()
{
    sort -n -r "$1" | head -n 1
}

echo "CoAP GETs per second, best of $rounds rounds of $seconds s"
echo "host: $(uname -sr), $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "server on core $server_core, client on core $client_core; coap-server: ${server:-not installed}"
for shape in "4 8" "1 1" "16 16"; do
    # shellcheck disable=SC2086
    set -- "$shape" "$@"
    sockets=${shape% *} under_way=${shape#* }
    shift
    for round in $(seq "$rounds"); do
        load echo ::1 "$echo_port" time "$sockets" "$under_way"
        [ -z "$server" ] || load server ::1 "$server_port" time "$sockets" "$under_way"
        load lintel ::1 "$lintel_port" time "$sockets" "$under_way"
        [ $# -lt 3 ] || load hub "$1" "$2" "$3" "$sockets" "$under_way"
    done
    echo
    echo "$sockets sockets, $under_way requests under way on each:"
    for name in $names; do
        case $name in
        echo) what="bare UDP echo" ;;
        server) what="coap-server /time" ;;
        lintel) what="coap.so, constant answer" ;;
        hub) what="hub at $1 $2 $3" ;;
        esac
        printf '  %-26s %s\n' "$what" "$(best "$work/$name.$sockets.$under_way")"
    done
    for name in lintel hub; do
        [ -f "$work/$name.$sockets.$under_way" ] || continue
        mine=$(best "$work/$name.$sockets.$under_way")
        for other in server echo; do
            [ -f "$work/$other.$sockets.$under_way" ] || continue
            theirs=$(best "$work/$other.$sockets.$under_way")
            awk -v a="${mine%% *}" -v b="${theirs%% *}" -v n="$name" -v o="$other" \
                'BEGIN { printf "  %s / %s: %.2f\n", n, o, a / b }'
        done
    done
done
