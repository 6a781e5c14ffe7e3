#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients that observe things at their own addresses, plainly and by DTLS, while things go and come with each reload,
# and while the hub ends and starts again. In a network namespace of its own; clients are libcoap's.
if [ "${LINTEL_IN_NAMESPACE:-}" != yes ]; then
    unshare -n true 2>/dev/null && ip -V >/dev/null 2>&1 || { echo "1..0 # SKIP needs root and iproute2"; exit 77; }
    LINTEL_IN_NAMESPACE=yes exec unshare -n "$0" "$@"
fi
command -v coap-client-openssl >/dev/null || { echo "1..0 # SKIP no coap-client with DTLS"; exit 77; }
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site prefix=fd00:db8:1:2
ip link set lo up
boxes "$site"
mkdir -p "$site/secrets" && chmod 700 "$site/secrets"
(umask 077 && printf 'a word for the tool' >"$site/secrets/hammer")
all=(a b c d e f g h)
{
    echo 'hub: { name: churn }'
    echo 'buses:'
    for t in "${all[@]}"; do echo "  $t: { plugin: fake }"; done
    cat <<FILE
transports:
  coap: { plugin: coap, listen: ["coap://[::]:5683", "coaps://[::]:5684"], unprotected: yes, echo: off, rate: 0, rateEqual: 0, prefix: '$prefix::/64' }
identities:
  hammer: { psk: "secret:hammer" }
rights:
  - { who: hammer, zones: all, may: [read] }
  - { who: anybody, zones: all, may: [read] }
  - { who: local, zones: all, may: [manage] }
FILE
} >"$site/lintel.yaml"
things() {
    : >"$site/things/boxes.yaml"
    local t
    for t in "$@"; do box "$site" "$t"; done
}
mine() { ip -6 addr show to $prefix::/64 | grep -o "$prefix[^/]*" | sort; }
count() { mine | grep -c .; }
plain=(coap-client-notls -B 60 -s 40 -w)
by_key=(coap-client-openssl -B 60 -s 40 -w -u hammer -k 'a word for the tool')
descriptors() { ls "/proc/$hub/fd" | wc -l; }

things "${all[@]}"
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "things have addresses" '^8$' count
mapfile -t addresses < <(mine)
first=$(descriptors)

# The address of a thing is the one whose pack names it.
address() {
    local a
    for a in "${addresses[@]}"; do
        coap -A 110 "coap://[$a]/s" | grep -q "churn:$1/" && { echo "$a"; return; }
    done
    echo none
}
start watcher "${plain[@]}" "coap://[$(address a)]/Box/p/level"
soon "an observation of a thing at its address" '[0-9]' cat "$here/watcher.log"
things "${all[@]:1}"
lintel reload >/dev/null
soon "ends with 4.04 when the thing goes" '4\.04' cat "$here/watcher.log"
stop "$pid"
things "${all[@]}"
lintel reload >/dev/null
soon "it is back at its address" "^${addresses[*]} \$" eval 'mine | tr "\n" " "'

# Each round has clients at all things, of which half go and come back meanwhile. Some of the clients are killed, which
# says nothing to the hub.
for round in 1 2 3; do
    clients=()
    for a in "${addresses[@]}"; do
        start "plain-$round-${#clients[@]}" "${plain[@]}" "coap://[$a]/Box/p/level" && clients+=("$pid")
        start "key-$round-${#clients[@]}" "${by_key[@]}" "coaps://[$a]/Box/p/level" && clients+=("$pid")
    done
    for i in 0 14; do soon "$round: an observation begins at the first and the last thing" '[0-9]' cat "$here/plain-$round-$i.log"; done
    for i in 1 15; do soon "$round: by DTLS too" '[0-9]' cat "$here/key-$round-$i.log"; done
    for i in 1 2 3; do
        things "${all[@]:0:4}"
        lintel reload >/dev/null || not_ok "$round: a reload without half of the things"
        for t in "${all[@]:0:4}"; do lintel set "$t/level" $((10 * round + i)) >/dev/null 2>&1; done
        things "${all[@]}"
        lintel reload >/dev/null || not_ok "$round: a reload with them"
    done
    for ((i = 0; i < ${#clients[@]}; i += 3)); do
        kill -9 "${clients[i]}" && wait "${clients[i]}"
    done 2>/dev/null
    soon "$round: things are back at their addresses" "^${addresses[*]} \$" eval 'mine | tr "\n" " "'
    soon "$round: and answer" '^[0-9.]+$' coap "coap://[${addresses[0]}]/Box/p/level"
    if [ $round = 2 ]; then # the hub ends under its clients, and starts again
        stop "$hub"
        says "a hub that stops takes all addresses away" '^0$' count
        start_hub "$site" || { not_ok "the hub starts again"; finish; }
        soon "and has the same when it is back" "^${addresses[*]} \$" eval 'mine | tr "\n" " "'
    fi
    for p in "${clients[@]}"; do stop "$p"; done
done

# Who was killed is noticed: by what it does not acknowledge, and by the system where nobody listens at its port.
still() { echo $(($(descriptors) - first)); }
soon "no descriptor is left behind" '^-?[0-3]$' still
soon "the hub serves by DTLS still" '[0-9]' coap-client-openssl -B 2 -u hammer -k 'a word for the tool' "coaps://[${addresses[0]}]/Box/p/level"
says_not "no handshake has failed" 'handshake' cat "$here/linteld.log"
says_not "the transport does not misbehave" 'coap: .*(MISBEHAVING|ended a request without)' cat "$here/linteld.log"
kill "$hub"
wait "$hub"
says "the hub ends well" '^0$' echo $?
finish
