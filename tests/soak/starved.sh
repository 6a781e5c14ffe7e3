#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Allocations fail in a hub that is asked by CoAP and by its local socket, in our code and in that of libcoap, OpenSSL, jansson,
# SQLite and libuv: one after the other, for each kind of request; and all that need more memory, in moments, while clients with
# handshakes of all kinds come. It never crashes, never hangs, never serves what is wrong, leaks nothing, and works afterwards.
# Usage: starved.sh SECONDS, each half; LINTEL_SEED=N repeats order and moments. What could be done in the time is told.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
has_faults
command -v coap-client-openssl >/dev/null || { echo "1..0 # SKIP no coap-client with DTLS"; exit 77; }
seconds=${1:-120} seed=${LINTEL_SEED:-$RANDOM} site=$here/site port=$(free_port) udp=$(free_port) tls=$(free_port) tcp=$(free_port)
echo "# LINTEL_SEED=$seed, $seconds s"
boxes "$site"
mkdir -p "$site/secrets"
chmod 700 "$site/secrets"
# Nothing is polled, so that what is counted is the request's.
sed 's/poll: 0.2/poll: 0/' "$site/bindings/box-counter.sdf-supplement.yaml" >"$site/bindings/box-asked.sdf-supplement.yaml"
sed -i 's/poll: 0.2/poll: 3600/' "$site/bindings/box-counter.sdf-supplement.yaml"
(
    cd "$here" || exit 1
    ec() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
    ec plant && openssl req -x509 -new -key plant.key -subj /CN=plant -days 30 -out plant.pem
    for name in hub.example eng.example; do
        ec $name && openssl req -new -key $name.key -subj /CN=$name -out $name.csr && printf 'subjectAltName=DNS:%s\n' $name >$name.ext &&
            openssl x509 -req -in $name.csr -CA plant.pem -CAkey plant.key -CAcreateserial -days 10 -extfile $name.ext -out $name.pem || exit 1
    done
) >"$here/openssl.log" 2>&1 || { not_ok "openssl makes certificates" "$(cat "$here/openssl.log")"; finish; }
(umask 077 && cp "$here/hub.example.key" "$site/secrets/hub-key" && printf 'a key of the tool, 22' >"$site/secrets/tool")
cp "$here/hub.example.pem" "$site/hub.pem"
cp "$here/plant.pem" "$site/clients.pem"
cat >"$site/lintel.yaml" <<FILE
hub: { name: starved }
buses:
  store: { plugin: fake, isolation: thread, everyMs: 60000 }
transports:
  plain: { plugin: coap, isolation: thread, listen: ["coap://[::1]:$port", "coap+tcp://[::1]:$tcp"] }
  secure:
    plugin: coap
    isolation: thread
    listen: ["coaps://[::1]:$udp", "coaps+tcp://[::1]:$tls"]
    certificate: hub.pem
    key: "secret:hub-key"
    clientCa: clients.pem
  plugtest: { plugin: plugtest, period: 3600 }
identities:
  tool-7: { psk: "secret:tool" }
  engineer: { certificate: eng.example }
rights:
  - { who: [tool-7, engineer], zones: all, may: [read, write] }
  - { who: local, zones: all, may: [read, write, register, manage] }
FILE
box "$site" store
for i in $(seq 30); do echo "- { thingId: a-thing-with-a-long-name-$i, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: store } }"; done >>"$site/things/boxes.yaml"
echo "- { thingId: asked, sdfInstanceOf: { model: box-asked }, sdfContext: { bus: store } }" >>"$site/things/boxes.yaml"

# starve WHAT SECONDS: a hub of its own, and what comes; sets held, the bytes that it has not freed when it has ended, and anew,
# how often the bus was started.
starve() {
    local what=$1
    with_faults
    start_hub "$site" || { not_ok "$what: the hub starts"; finish; }
    /usr/bin/python3 "$source_dir/tests/soak/starved.py" what="$what" seconds="$2" seed="$seed" pid="$hub" port="$port" faults="$here/faults" \
        program="$build/bin/lintel" only="${LINTEL_ONLY:-.}" udp="coaps://[::1]:$udp" tls="coaps+tcp://[::1]:$tls" tcp="coap+tcp://[::1]:$tcp" \
        psk='a key of the tool, 22' cert="$here/eng.example.pem" key="$here/eng.example.key" ca="$here/plant.pem" >"$here/$what" 2>&1
    sed 's/^/# /' "$here/$what"
    exits "$what: all is well" 0 grep -q 'all is well$' "$here/$what"
    exits "$what: and nothing is wrong" 1 grep -qE 'WRONG|Traceback' "$here/$what"
    if ! alive "$hub"; then
        wait "$hub"
        not_ok "$what: the hub lives, and has not ended with $?" "$(tail -20 "$here/linteld.log")"
        finish
    fi
    kill "$hub"
    wait "$hub"
    exits "$what: it ends well" 0 test $? = 0
    stop "$hub"
    anew=$(grep -c 'store: plugin fake .* runs' "$here/linteld.log")
    held=$("$faults" "$here/faults" held)
}
starve each 0
before=$held
starve each "$seconds"
# The record of a thread that has ended stays, so that a plugin that calls late finds it (core/plug/worker.c).
echo "# bytes held at the end: $before without failures, $held after them, the bus started $anew times"
exits "nothing has leaked" 0 test $((held - before)) -lt $((1000 + 2500 * anew))
starve moments "$seconds"
says "moments: allocations have failed" 'failed: [1-9][0-9]' cat "$here/moments"
finish
