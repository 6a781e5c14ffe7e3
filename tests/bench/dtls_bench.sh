#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# DTLS sessions per second (handshake with a pre-shared key, one GET, end), side by side in one run: libcoap's
# coap-server-openssl and the CoAP transport.
#
#   tests/bench/dtls_bench.sh [-s SECONDS] [-r ROUNDS] [-w "AT-ONCE .."] BUILD-FOLDER
#
# The servers run on one core, the client on another, and take turns within a round; the ratio is the median of the
# rounds' ratios.
set -eu
seconds=3 rounds=5 shapes="1 4" suites="PSK-AES128-CCM8 ECDHE-PSK-CHACHA20-POLY1305"
while getopts s:r:w: option; do
    case $option in
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    w) shapes=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -lt 1 ] || [ ! -x "$1/tests/bench/dtls_load" ]; then
    sed -n 's/^#   tests.bench./usage: /p' "$0" >&2
    exit 2
fi
build=$1 bench=$1/tests/bench
server=$(command -v coap-server-openssl) || { echo "dtls_bench: coap-server-openssl is not installed" >&2; exit 2; }
server_core=${SERVER_CORE:-1} client_core=${CLIENT_CORE:-0}
[ "$(nproc)" -gt 1 ] || server_core=0
work=$(mktemp -d) pids=''
finish()
{
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

identity=bench key='a key of the bench, 16+'
taskset -c "$server_core" "$bench/coap_host" "$build/plugins/coap/coap.so" 0 "$identity" "$key" >"$work/lintel" 2>"$work/lintel.err" &
lintel_pid=$!
pids="$pids $lintel_pid"
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s "$work/lintel" ] || sleep 0.2; done
lintel_port=$(head -n 1 "$work/lintel")
[ -n "$lintel_port" ] || { cat "$work/lintel.err" >&2; exit 1; }
# It takes no port 0, and listens for coap at the port before the one for coaps.
server_port=$((lintel_port > 60000 ? lintel_port - 2000 : lintel_port + 2000))
taskset -c "$server_core" "$server" -A ::1 -p "$((server_port - 1))" -v 0 -k "$key" -h hub >"$work/server.err" 2>&1 &
server_pid=$!
pids="$pids $server_pid"
sleep 0.5

echo "DTLS sessions per second, median of $rounds rounds of $seconds s"
echo "host: $(uname -sr), $(grep -m 1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) cores, load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "server on core $server_core, client on core $client_core"
# Time on a processor, in ns; other than sessions per second, it hardly depends on what else the machine does.
cpu()
{
    cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '{ s += $1 } END { printf "%.0f\n", s }'
}
# load PID PORT AT-ONCE SUITE
load()
{
    before=$(cpu "$1")
    line=$(taskset -c "$client_core" "$bench/dtls_load" ::1 "$2" "$identity" "$key" "$3" "$seconds" "$4:@SECLEVEL=0" || true)
    after=$(cpu "$1")
    awk -v line="$line" -v ns=$((after - before)) -v s="$seconds" \
        'BEGIN { n = line + 0; printf "%s, server CPU %.0f us each\n", line, (n > 0 ? ns / 1000 / (n * s) : 0) }'
}
for suite in $suites; do
    for shape in $shapes; do
        : >"$work/ratios"
        for round in $(seq "$rounds"); do
            a=$(load "$server_pid" "$server_port" "$shape" "$suite")
            b=$(load "$lintel_pid" "$lintel_port" "$shape" "$suite")
            echo "$a" >>"$work/a.$suite.$shape"
            echo "$b" >>"$work/b.$suite.$shape"
            awk -v a="$a" -v b="$b" 'BEGIN { printf "%.2f\n", (a + 0 > 0 ? (b + 0) / (a + 0) : 0) }' >>"$work/ratios"
        done
        middle=$(((rounds + 1) / 2))
        echo
        echo "$suite, $shape at once:"
        echo "  coap-server-openssl  $(sort -n "$work/a.$suite.$shape" | sed -n "${middle}p")"
        echo "  CoAP transport       $(sort -n "$work/b.$suite.$shape" | sed -n "${middle}p")"
        echo "  ratio                $(sort -n "$work/ratios" | sed -n "${middle}p")"
    done
done
