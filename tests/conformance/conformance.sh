#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# CoAP conformance: a hub with the resources of the plugtests and with devices, asked by raw datagrams (run.py). The second
# listener gives up soon on clients that are silent, the third allows few requests. conformance.sh REGEXP runs the cases of these names.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port) fast=$(free_port) limited=$(free_port)
boxes "$site"
cat >"$site/lintel.yaml" <<FILE
hub: { name: conformance }
buses:
  store: { plugin: fake }
  slow: { plugin: fake, delayMs: 3000 }
  leaving: { plugin: fake }
  broken: { plugin: fake }
transports:
  coap: { plugin: coap, listen: ["coap://[::1]:$port"], maxBody: 16384 }
  fast: { plugin: coap, listen: ["coap://[::1]:$fast"], ackTimeout: 1, maxRetransmit: 1 }
  limited: { plugin: coap, listen: ["coap://[::1]:$limited"], rateEqual: 10, rate: 30, limitAll: yes, echo: off }
  plugtest: { plugin: plugtest, period: 0.5 }
FILE
box "$site" store
box "$site" slow demand-counter
box "$site" broken demand-error
cp "$site/things/boxes.yaml" "$here/without"
box "$site" leaving
# A property that nobody polls: GET asks the device, and the answer comes later.
for kind in counter error; do
    sed 's/poll: 0.2/poll: 0/' "$site/bindings/box-$kind.sdf-supplement.yaml" >"$site/bindings/box-demand-$kind.sdf-supplement.yaml"
done
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "a value" '^[0-9]+$' coap "coap://[::1]:$port/d/store/Box/p/count"
soon "and of the thing that will leave" '^[0-9]+$' coap "coap://[::1]:$port/d/leaving/Box/p/count"
# Each case is a line of its own, numbered on from here.
cases() {
    local line
    while IFS= read -r line; do
        case $line in
            "ok "*) ok "${line#* - }" ;;
            "not ok "*) not_ok "${line#* - }" ;;
            1..*) ;;
            *) echo "$line" ;;
        esac
    done
}
run=("/usr/bin/python3" "$source_dir/tests/conformance/run.py")
only=${1:-.}
cases < <("${run[@]}" --only "^(?!P13\.).*(?:$only)" port="$port" fast_port="$fast" limited_port="$limited" max_body=16384 \
    leave="cp $here/without $site/things/boxes.yaml && $build/bin/lintel --run $here/run reload" 2>&1)

# Requests to a group, on a link of a network that nobody else sees.
if unshare -n true 2>/dev/null; then
    mkdir -p "$here/site2" "$here/run2" "$here/state2"
    cat >"$here/site2/lintel.yaml" <<FILE
hub: { name: group }
transports:
  coap: { plugin: coap, listen: ["coap://[::]:5683"], unprotected: yes, groups: ["ff02::fd"], groupInterfaces: [v0] }
  plugtest: { plugin: plugtest }
FILE
    carry "$here/site2"
    cat >"$here/net.sh" <<'NET'
here=$1 linteld=$2
shift 2
ip link set lo up
ip link add v0 type veth peer name v1
echo 1 >/proc/sys/net/ipv6/conf/v1/disable_ipv6 # else what is sent on one end comes in on both
ip link set v0 addrgenmode none
ip addr add fe80::1/64 dev v0 nodad
ip link set v0 up
ip link set v1 up
"$linteld" --site "$here/site2" --run "$here/run2" --state "$here/state2" >"$here/group.log" 2>&1 &
hub=$!
for _ in $(seq 200); do grep -q 'group runs' "$here/group.log" && break; sleep 0.05; done
"$@" --only '^P13\.' port=5683 interface=v0 2>&1
kill $hub
wait $hub
NET
    cases < <(unshare -n bash "$here/net.sh" "$here" "$build/bin/linteld" "${run[@]}")
else
    echo "# no network namespaces for this user: P13 is left out"
fi

# The same by a client that we did not write, as far as it shows what came. -v 6 prints each message.
at=coap://[::1]:$port
# Ports beyond those that the kernel gives: one that came twice would be the same endpoint to the hub.
client() { timeout 20 coap-client-notls -B 5 -v 6 -p $((61000 + checks)) "$@" 2>&1; }
by() { says "$1 by coap-client" "${@:2}"; }
head -c 3000 /dev/zero | tr '\0' a >"$here/body"
if [ "$only" = . ]; then
    start separate coap-client-notls -B 10 -T token -p 61999 "$at/separate"
    separate=$pid
    by TD_COAP_CORE_01 't:ACK c:2\.05 .*Content-Format:text/plain' client "$at/test"
    by TD_COAP_CORE_02 't:ACK c:2\.02' client -m delete "$at/test"
    by TD_COAP_CORE_03 't:ACK c:2\.04' client -m put -t 0 -e 'This is a test.' "$at/test"
    by TD_COAP_CORE_04,18 't:ACK c:2\.01 .*Location-Path:location1, Location-Path:location2, Location-Path:location3' \
        client -m post -t 0 -e x "$at/test"
    by TD_COAP_CORE_05 't:NON c:2\.05' client -N "$at/test"
    by TD_COAP_CORE_06 't:NON c:2\.02' client -N -m delete "$at/test"
    by TD_COAP_CORE_07 't:NON c:2\.04' client -N -m put -t 0 -e x "$at/test"
    by TD_COAP_CORE_08 't:NON c:2\.01' client -N -m post -t 0 -e x "$at/test"
    by TD_COAP_CORE_10 't:ACK c:2\.05 i:[0-9a-f]+ \{746f6b65' client -T token "$at/test"
    by TD_COAP_CORE_13 '^seg1, seg2, seg3$' client "$at/seg1/seg2/seg3"
    by TD_COAP_CORE_14 '\?first=1&second=2$' client "$at/query?first=1&second=2"
    by TD_COAP_CORE_19 'Location-Query:first=1, Location-Query:second=2' client -m post -t 0 -e x "$at/location-query"
    by TD_COAP_CORE_20 '^<name>lintel</name>$' client -A 41 "$at/multi-format"
    tag=$(client "$at/validate" | grep -oE 'ETag:0x[0-9a-f]+' | head -1)
    by TD_COAP_CORE_21 't:ACK c:2\.03' client -O "4,${tag#ETag:}" "$at/validate"
    by TD_COAP_CORE_22 't:ACK c:4\.12' client -m put -O 1,0x01020304 -e x "$at/validate"
    by TD_COAP_CORE_23 't:ACK c:4\.12' client -m put -O 5 -e x "$at/validate"
    by TD_COAP_LINK_01 '</link1>;ct=0;rt="Type1 Type2";if="If1"' client -b 1024 "$at/.well-known/core"
    by TD_COAP_LINK_04 '^</link[12]>[^/]*</link[12]>[^/]*$' coap "$at/.well-known/core?rt=Type2&href=/link*"
    by TD_COAP_LINK_07 '^</link1>;[^,]*$' coap "$at/.well-known/core?href=/link1"
    by TD_COAP_LINK_09 '^</path/sub1>,</path/sub2>,</path/sub3>$' coap "$at/path"
    by TD_COAP_BLOCK_01 '^  26 of a representation that needs $' coap -b 64 "$at/large"
    by TD_COAP_BLOCK_02 '^  26 of a representation that needs $' coap "$at/large"
    by TD_COAP_BLOCK_03 't:ACK c:2\.04 .*Block1:46/_/64' client -b 64 -m put -t 0 -f "$here/body" "$at/large-update"
    by TD_COAP_BLOCK_04 't:ACK c:2\.01 .*Location-Path:large-create, Location-Path:[0-9]+, Block1:2/_/1024' \
        client -m post -t 0 -f "$here/body" "$at/large-create"
    by TD_COAP_BLOCK_05 '^A{3000}$' coap -m post -f "$here/body" "$at/large-post"
    by TD_COAP_BLOCK_06 'Block2:106/_/16' client -b 16 "$at/large"
    by TD_COAP_OBS_01 't:CON c:2\.05 .*Observe:[0-9]+, Content-Format:text/plain, Max-Age' client -s 1 "$at/obs"
    by TD_COAP_OBS_02 't:NON c:2\.05 .*Observe:[0-9]+, Content-Format:text/plain, Max-Age' client -N -s 1 "$at/obs-non"
    by TD_COAP_OBS_13 'Observe:[0-9]+, Content-Format:text/plain, Max-Age:2, Block2:0/M/1024' client -s 1 "$at/obs-large"
    wait "$separate"
    by TD_COAP_CORE_09,11 '^This answer took its time\.$' cat "$here/separate.log"
fi

exits "docs/conformance.md says what these tests say" 0 "${run[@]}" --page "$source_dir/docs/conformance.md"
finish
