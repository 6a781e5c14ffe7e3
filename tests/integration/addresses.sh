#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An IPv6 address for each thing: the hub in a network namespace, its clients in another, a route between them. Both
# namespaces end with this script: one is its own, one that of a process it started.
if [ "${LINTEL_IN_NAMESPACE:-}" != yes ]; then
    unshare -n true 2>/dev/null && ip -V >/dev/null 2>&1 || { echo "1..0 # SKIP needs root and iproute2"; exit 77; }
    LINTEL_IN_NAMESPACE=yes exec unshare -n "$0" "$@"
fi
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site prefix=fd00:db8:1:2
start away unshare -n sleep 600
away=$pid
end=$((SECONDS + 10))
while [ "$(readlink /proc/$away/ns/net)" = "$(readlink /proc/self/ns/net)" ] && [ $SECONDS -lt $end ]; do sleep 0.05; done
client() { nsenter -t "$away" -n "$@"; }
from_away() { client timeout 20 coap-client-notls -B 5 "$@" 2>&1; }
ip link set lo up
client ip link set lo up
# A link of its own between the two, and the prefix routed over it; the link has another prefix.
ip link add hub0 type veth peer name away0
ip link set away0 netns "$away"
ip -6 addr add fd00:db8:ff::1/64 dev hub0 nodad
ip link set hub0 up
client ip -6 addr add fd00:db8:ff::2/64 dev away0 nodad
client ip link set away0 up
client ip -6 route add $prefix::/64 via fd00:db8:ff::1

boxes "$site"
settings() {
    cat >"$site/lintel.yaml" <<FILE
hub: { name: addresses }
buses:
  lamp: { plugin: fake }
  meter: { plugin: fake }
transports:
  coap: { plugin: coap, listen: ["coap://[${2:-::}]:5683"]$1 }
FILE
}
things() {
    : >"$site/things/boxes.yaml"
    local t
    for t in "$@"; do box "$site" "$t"; done
}
mine() { ip -6 addr show to $prefix::/64 | grep -o "$prefix[^/]*" | sort; }
count() { mine | grep -c .; }
# The address of a thing is the one whose pack names it.
address() {
    local a
    for a in $(mine); do
        from_away -A 110 "coap://[$a]/s" | grep -q "addresses:$1/" && { echo "$a"; return; }
    done
    echo none
}

# Refused without the words.
settings ", prefix: '$prefix::/64'" ::1
things lamp meter
start refused "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
wait "$pid"
says "a prefix without protection is refused with a sentence" 'prefix: .*write .unprotected: yes. beside it' cat "$here/refused.log"

settings ", unprotected: yes, echo: off, prefix: '$prefix::/64'"
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "both things have addresses" '^2$' count
says "deprecated, without duplicate address detection" 'nodad deprecated' ip -6 addr show dev lo to $prefix::/64
soon "a property is there" '^[0-9]+$' lintel get lamp/count
lamp=$(address lamp) meter=$(address meter)
says "they differ" "^$prefix:.*, $prefix:.*" echo "$lamp, $meter"
says_not "no name is in them" 'lamp|meter' echo "$lamp $meter"
says "its own /.well-known/core" '^</Box/e/tick>|</Box/p/level>' from_away "coap://[$lamp]/.well-known/core"
says_not "without the other things" '/d/' from_away "coap://[$lamp]/.well-known/core"
says_not "PUT" '[45]\.[0-9][0-9]' from_away -m put -t 50 -e 31 "coap://[$lamp]/Box/p/level"
soon "has written" '^31$' from_away "coap://[$lamp]/Box/p/level"
says "the same at /d of the hub" '^31$' from_away "coap://[fd00:db8:ff::1]/d/lamp/Box/p/level"
says_not "an address of the prefix that is nobody's is silent" '31' client timeout 4 coap-client-notls -B 2 "coap://[$prefix::1]/d/lamp/Box/p/level"

# One client port, one token, two things; each notification comes from its thing, also one sent again.
cat >"$here/observe.py" <<'FILE'
import socket, struct, sys, time
lamp, meter = sys.argv[1:]
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(1)
def get(mid):  # GET Box/p/level, Observe 0, token 0x11
    options = bytes([0x60]) + bytes([0x53]) + b"Box" + bytes([0x01]) + b"p" + bytes([0x05]) + b"level"
    return struct.pack("!BBHB", 0x41, 1, mid, 0x11) + options
s.sendto(get(1), (lamp, 5683))
s.sendto(get(1), (meter, 5683))
seen, held, again, end = {}, None, 0, time.time() + 40
while time.time() < end:
    try:
        m, (source, *_) = s.recvfrom(2000)
    except TimeoutError:
        continue
    kind, mid = m[0] >> 4 & 3, struct.unpack_from("!H", m, 2)[0]
    text = m[m.rindex(0xff) + 1:].decode() if 0xff in m else ""
    if m[4:5] != b"\x11" or source not in (lamp, meter):
        print("stray from", source, m.hex(), flush=True)
    name = "lamp" if source == lamp else "meter"
    if kind == 0 and name == "lamp" and held is None:
        held = mid  # not acknowledged: it must come again, from the same address
        print("held", name, text, flush=True)
        continue
    if kind == 0 and mid == held:
        print("again", name, text, flush=True)
        held = -1
    if kind == 0:
        s.sendto(struct.pack("!BBH", 0x60, 0, mid), (source, 5683))
    print("got", name, ["CON", "NON", "ACK", "RST"][kind], text, flush=True)
FILE
lintel set lamp/level 1 >/dev/null
lintel set meter/level 51 >/dev/null
start observer client python3 "$here/observe.py" "$lamp" "$meter"
observer=$pid
soon "both observations begin" 'got meter ACK 51' cat "$here/observer.log"
for i in 2 3 4 5 6 7 8; do
    lintel set lamp/level $i >/dev/null
    lintel set meter/level $((50 + i)) >/dev/null
    wait_log observer "(got|held) lamp .*$i\$" >/dev/null
    grep -q '^held' "$here/observer.log" && break
done
soon "a confirmable notification that is not acknowledged comes again, from the right address" '^again lamp' cat "$here/observer.log"
lintel set meter/level 99 >/dev/null
soon "the other thing's notifications go on" '^got meter .* 99$' cat "$here/observer.log"
says_not "nothing comes from a wrong address" '^stray' cat "$here/observer.log"
says_not "and no value of the other thing" '^got lamp .* (5[0-9]|99)$|^got meter .* [0-9]$' cat "$here/observer.log"
stop "$observer"

# Things go and come back.
things lamp
says "a reload without a thing" '.' lintel reload
soon "takes its address away" '^1$' count
says "and no other" "^$lamp\$" mine
things lamp meter
lintel reload >/dev/null
soon "back again, it has the same" "^$meter\$" mine

# Ends.
stop "$hub"
says "a hub that stops takes all away" '^0$' count
start_hub "$site" || { not_ok "the hub starts again"; finish; }
soon "a hub that starts again has" '^2$' count
says "the same addresses" "^$lamp\$" mine
kill -9 "$hub"
wait "$hub" 2>/dev/null
says "a hub that is killed leaves them" '^2$' count
things meter
ip -6 addr add $prefix::77/128 dev lo
start_hub "$site" || { not_ok "the hub starts after a kill"; finish; }
soon "the next one removes what is not wanted" '^2$' count
says "and keeps what is" "^$meter\$" mine
says "and what others made" "^$prefix::77\$" mine
soon "and serves it" '"n":"Box/level"|Box/level' from_away -A 110 "coap://[$meter]/s"
ip -6 addr del $prefix::77/128 dev lo
stop "$hub"

# Without the right.
things lamp meter
mkdir -p "$here/run" "$here/state"
start unable setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
    "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
hub=$pid
wait_log unable 'CAP_NET_ADMIN' >"$here/never" && ok "without the right, it says what to do" || not_ok "without the right, it says what to do" "$(cat "$here/never")"
says "with the line for the unit" 'AmbientCapabilities=CAP_NET_ADMIN' cat "$here/unable.log"
says "there are no addresses" '^0$' count
soon "things are at /d as before" '^[0-9]+$' from_away "coap://[fd00:db8:ff::1]/d/lamp/Box/p/count"
stop "$hub"

# A shared link: the prefix is that of the link, and the kernel answers for the addresses.
client ip -6 route del $prefix::/64
ip -6 addr add $prefix::1/64 dev hub0 nodad
client ip -6 addr add $prefix::2/64 dev away0 nodad
settings ", unprotected: yes, echo: off, prefix: '$prefix::/64', interface: hub0"
start_hub "$site" || { not_ok "the hub starts on a shared link"; finish; }
on_link() { ip -6 addr show dev hub0 | grep -o "$prefix:[^/]*/128"; }
soon "addresses are on the interface of the link" '^2$' eval 'on_link | grep -c .'
soon "neighbours find them" 'Box/level' from_away -A 110 "coap://[$(on_link | head -1 | cut -d/ -f1)]/s"
stop "$hub"
says "and they go" '^0$' eval 'on_link | grep -c .'

# With credentials no word opens anything: things speak coaps, at their own addresses.
if command -v coap-client-openssl >/dev/null; then
    ip -6 addr flush dev hub0 to $prefix::/64
    client ip -6 addr flush dev away0 to $prefix::/64
    client ip -6 route replace $prefix::/64 via fd00:db8:ff::1
    settings ", prefix: '$prefix::/64'" ::1
    sed -i 's|\(listen: \[\)|\1"coaps://[::]:5684", |' "$site/lintel.yaml"
    mkdir -p "$site/secrets" && chmod 700 "$site/secrets"
    (umask 077 && printf 'a word for the tool' >"$site/secrets/hammer")
    cat >>"$site/lintel.yaml" <<FILE
identities:
  hammer: { psk: "secret:hammer" }
rights:
  - { who: hammer, zones: all, may: [read] }
FILE
    things lamp meter
    start_hub "$site" || { not_ok "the hub starts with coaps alone"; finish; }
    soon "things have addresses" '^2$' count
    secure=$(mine | head -1)
    by_key() { client timeout 20 coap-client-openssl -B 2 -u hammer -k "$1" "coaps://[$secure]/.well-known/core" 2>&1; }
    soon "a thing answers at its own address, by its key" '</Box' by_key 'a word for the tool'
    says_not "not with another" '</Box' by_key 'another word'
    says_not "and not without encryption" '</Box' from_away "coap://[$secure]/.well-known/core"
    stop "$hub"
fi

# 4,000. The time is printed: it is the machine's.
export BENCH_COAP_PORT=5683
python3 "$source_dir/tests/bench/make_site" "$here/many" fake 4000 10
sed -i "s|unprotected: yes|&, prefix: '$prefix::/64'|" "$here/many/lintel.yaml"
ip -6 addr flush dev hub0 to $prefix::/64
client ip -6 addr flush dev away0 to $prefix::/64
client ip -6 route replace $prefix::/64 via fd00:db8:ff::1
start_hub "$here/many" || { not_ok "the hub starts with 4,000 things"; finish; }
soon "4,000 things have addresses" '4000 things have an address of their own' cat "$here/linteld.log"
python3 - "$here/linteld.log" <<'FILE'
import re, sys
def at(what):
    h, m, s = re.search(r"(\d+):(\d+):([0-9.]+) .*" + what, open(sys.argv[1]).read()).groups()
    return int(h) * 3600 + int(m) * 60 + float(s)
print("# %.2f s after the first thing started" % (at("4000 things have an address") - at("transport coap .* runs")))
FILE
echo "# $(grep VmRSS /proc/$hub/status | tr -s '\t ' ' '), $(ls /proc/$hub/fd | wc -l) descriptors"
says "that are there" '^4000$' count
soon "the last one answers" '^[0-9]+$' from_away "coap://[$(mine | tail -1)]/Bench/p/p3"
stop "$hub"
says "and go" '^0$' count
finish
