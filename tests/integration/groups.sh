#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Multicast groups, forged addresses and limits for single clients, between two network namespaces: the hub in one, its
# clients in another. Nothing leaves them.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
unshare -n true 2>/dev/null || { echo "1..0 # skipped: no network namespaces for this user"; exit 77; }
site=$here/site
boxes "$site"
cat >"$site/lintel.yaml" <<FILE
hub: { name: groups }
buses:
  store: { plugin: fake }
  quiet: { plugin: fake, everyMs: 60000 }
transports:
  coap: { plugin: coap, listen: ["coap://[::]:5683"], unprotected: yes, groups: [all] }
FILE
box "$site" store
for n in $(seq 40); do echo "- { thingId: a-thing-with-a-long-name-$n, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: quiet } }"; done >"$site/things/many.yaml"

# Two namespaces and a cable. They end with the processes that hold them.
start holder-hub unshare -n sleep 300
hub_ns=$pid
start holder-client unshare -n sleep 300
client_ns=$pid
in_hub() { nsenter -t "$hub_ns" -n "$@"; }
in_client() { nsenter -t "$client_ns" -n "$@"; }
other_net() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
for ns in "$hub_ns" "$client_ns"; do
    for _ in $(seq 100); do other_net "$ns" && break; sleep 0.05; done
    nsenter -t "$ns" -n sysctl -q net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
    nsenter -t "$ns" -n ip link set lo up
done
in_hub ip link add h0 type veth peer name c0 netns "$client_ns"
in_hub ip link set h0 up
in_client ip link set c0 up
in_hub ip addr add 10.98.0.1/24 dev h0
in_client ip addr add 10.98.0.2/24 dev c0
in_hub ip addr add fd98::1/64 dev h0 nodad
in_client ip addr add fd98::2/64 dev c0 nodad
in_client ip route add 224.0.0.0/4 dev c0
coap() { timeout 20 nsenter -t "$client_ns" -n coap-client-notls -B 5 "$@" 2>&1; }

mkdir -p "$here/run" "$here/state"
carry "$site"
start linteld nsenter -t "$hub_ns" -n "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
hub=$pid
wait_log linteld 'listening on coap://\[::\]:5683' || { not_ok "the hub starts"; finish; }
soon "the hub is up" 'store' lintel status
says_not "all groups are heard" 'is not heard' cat "$here/linteld.log"
soon "a value, from another machine" '^[0-9]+$' coap "coap://[fd98::1]/d/store/Box/p/count"
says "a large answer: the client sends the Echo back by itself" 'a-thing-with-a-long-name-40' coap "coap://[fd98::1]/.well-known/core"
says "over IPv4 too" 'a-thing-with-a-long-name-40' coap "coap://10.98.0.1/.well-known/core"
streams "an observation, after an Echo" '([0-9]+[^0-9]*){3}' nsenter -t "$client_ns" -n coap-client-notls -B 30 -s 30 "coap://[fd98::1]/d/store/Box/p/count"

cat >"$here/client.py" <<'CODE'
import os, select, socket, struct, sys, time
IFACE = "c0"
index = socket.if_nametoindex(IFACE)
def opt(delta, value):
    n = len(value)
    head = lambda x: (x, b"") if x < 13 else (13, bytes([x - 13])) if x < 269 else (14, (x - 269).to_bytes(2, "big"))
    (d, de), (l, le) = head(delta), head(n)
    return bytes([d << 4 | l]) + de + le + value
def request(kind, code, path, query=None, extra=()):
    out, last = bytes([0x40 | kind << 4 | 4, code]) + os.urandom(2) + os.urandom(4), 0
    options = [(11, p.encode()) for p in path.split("/")] + ([(15, query.encode())] if query else []) + list(extra)
    for number, value in options:
        out += opt(number - last, value)
        last = number
    return out
def sock(to):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    if ":" in to:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    return s
def send(s, to, data):
    s.sendto(data, (to, 5683, 0, index if to.startswith("ff02") or to.startswith("fe80") else 0) if ":" in to else (to, 5683))
def text(m):
    """The payload: behind the options, whose values may have any bytes."""
    at = 4 + (m[0] & 15)
    while at < len(m) and m[at] != 0xff:
        delta, n = m[at] >> 4, m[at] & 15
        more = {13: 1, 14: 2}
        first = at + 1 + more.get(delta, 0)
        size = {13: lambda: m[first] + 13, 14: lambda: int.from_bytes(m[first:first + 2], "big") + 269}.get(n, lambda: n)()
        at = first + more.get(n, 0) + size
    return m[at + 1:].decode(errors="replace")
def groups():
    """Asks all at once, and counts for a little more than the leisure."""
    discovery = ".well-known/core"
    asked = {}
    for group in ["ff02::fd", "ff05::fd", "ff02::fe", "ff05::fe", "224.0.1.187", "224.0.1.190"]:
        asked[group] = (group, request(1, 1, discovery, "href=/d"))
    for group in ["ff02::fd", "224.0.1.187"]:
        asked["CON " + group] = (group, request(0, 1, discovery, "href=/d"))
        asked["no-match " + group] = (group, request(1, 1, discovery, "rt=nothing"))
        asked["no-response " + group] = (group, request(1, 1, discovery, "href=/d", [(258, b"\x02")]))
        asked["path " + group] = (group, request(1, 1, "d"))
        asked["PUT " + group] = (group, request(1, 3, "d/store/Box/p/level"))
    asked["directory ff05::fe"] = ("ff05::fe", request(1, 1, discovery, "rt=core.rd*"))
    asked["directory fd98::1"] = ("fd98::1", request(1, 1, discovery, "rt=core.rd*"))
    socks = {}
    for name, (to, data) in asked.items():
        socks[sock(to)] = name
    began = time.monotonic()
    for s, name in socks.items():
        send(s, *asked[name])
    got = {name: [] for name in asked}
    while (left := began + 5.5 - time.monotonic()) > 0:
        for s in select.select(list(socks), [], [], left)[0]:
            m, source = s.recvfrom(2000)
            data = asked[socks[s]][1]
            good = m[0] >> 4 == 5 and m[4:8] == data[4:8]
            got[socks[s]].append((time.monotonic() - began, source[0].split("%")[0], m[1], good, text(m)))
    for name, answers in got.items():
        print(name, "answers:", len(answers), *(f"from {a[1]} code {a[2] >> 5}.{a[2] & 31:02} {'NON' if a[3] else 'BAD'} {a[4]}" for a in answers))
    times = sorted(a[0] for n in asked if " " not in n for a in got[n])
    print("spread", "over-some-time" if len(times) > 1 and times[-1] - times[0] > 0.2 else "at-once")
def forged():
    """What an address gets that never sends an Echo back. Each request leaves by a port that nobody had before: one of the
    kernel's choice may be one by which a client above has proved the address, and that counts for five minutes."""
    first, highest = 2000, int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
    asked = {}
    for kind in (0, 1):
        for path, code in ((".well-known/core", 1), ("d", 1), ("d/store/s", 1), ("d/store/Box/p/cuont", 1), ("d/store/td", 1), ("d/store/Box/p/count", 5)):
            s, port = sock("fd98::1"), first + len(asked)
            assert port < highest
            s.bind(("fd98::2", port))
            asked[s] = (kind, path, request(kind, code, path), [])
            send(s, "fd98::1", asked[s][2])
    # Until each has something, and then for what may come later.
    end, late = time.monotonic() + 30, None
    while (left := min(end, late or end) - time.monotonic()) > 0:
        for s in select.select(list(asked), [], [], left)[0]:
            asked[s][3].append(s.recv(3000))
        late = late or (time.monotonic() + 3 if all(got for *_, got in asked.values()) else None)
    for s, (kind, path, data, got) in asked.items():
        out = sum(len(m) for m in got)
        print("forged", "NON" if kind else "CON", path, "in", len(data), "out", out, "small" if 0 < out <= 3 * len(data) else "TOO-MUCH" if out else "NOTHING",
              *(f"port {s.getsockname()[1]}: {m[1] >> 5}.{m[1] & 31:02} {len(m)} {m[:40].hex()}" for m in got if out > 3 * len(data)))
def flood():
    """Many at a time, so that a busy machine does not make it a trickle, but no more than a client may have under way."""
    s, codes = sock("10.98.0.1"), {}
    for n in range(1200):
        send(s, "10.98.0.1", request(1, 1, "d/store/Box/p/level", f"c.pmin={n}" if sys.argv[2] == "different" else None))
        while n % 32 == 31 and sum(codes.values()) <= n and select.select([s], [], [], 1)[0]:
            m = s.recv(2000)
            codes[m[1]] = codes.get(m[1], 0) + 1
    print(sys.argv[2], *(f"{c >> 5}.{c & 31:02}={n}" for c, n in sorted(codes.items())))
{"groups": groups, "forged": forged, "flood": flood}[sys.argv[1]]()
CODE
client() { in_client python3 "$here/client.py" "$@"; }

client groups >"$here/groups" 2>&1
for group in ff02::fd ff05::fd ff02::fe ff05::fe; do
    says "$group: one answer, from an address that is good beyond the link" "^$group answers: 1 from fd98::1 code 2.05 NON </d>" cat "$here/groups"
done
for group in 224.0.1.187 224.0.1.190; do
    says "$group: one answer" "^$group answers: 1 from 10.98.0.1 code 2.05 NON </d>" cat "$here/groups"
done
for group in ff02::fd 224.0.1.187; do
    for what in CON no-match no-response path PUT; do
        says "$what to $group: none" "^$what $group answers: 0$" cat "$here/groups"
    done
done
says "answers are spread over the leisure" '^spread over-some-time' cat "$here/groups"
says "the directory is found by its group, with its three links and nothing else" '^directory ff05::fe answers: 1 from fd98::1 code 2.05 NON </rd>;rt="core.rd";ct=40,</rd-lookup/ep>;rt="core.rd-lookup-ep";ct=40;obs,</rd-lookup/res>;rt="core.rd-lookup-res";ct=40;obs$' cat "$here/groups"
# The same answer to one address is so much longer than the question that the address has to be proved first.
says "and by its address, once that is proved" '^directory fd98::1 answers: 1 from fd98::1 code 4.01 NON' cat "$here/groups"

client forged >"$here/forged" 2>&1
says "a forged address gets something" '^12$' grep -c small "$here/forged"
says_not "and at most three times what was sent in its name" 'TOO-MUCH|NOTHING|Error' cat "$here/forged"

says "equal requests of one client are limited" '^equal 2\.05=[0-9]+ 4\.29=[0-9]+$' client flood equal
says "different ones too, later" '^different (4\.00|2\.05)=[0-9]+ 4\.29=[0-9]+$' client flood different
says "others are not" '^[0-9]+$' coap "coap://[fd98::1]/d/store/Box/p/count"
if alive "$hub"; then ok "the hub lives"; else not_ok "the hub lives" "$(tail -20 "$here/linteld.log")"; fi

# Settings that can't be.
mkdir -p "$here/site2" "$here/run2" "$here/state2"
second() { carry "$here/site2"; timeout 10 "$build/bin/linteld" --site "$here/site2" --run "$here/run2" --state "$here/state2"; }
settings() { echo "hub: { name: second }
transports:
  coap: { plugin: coap, $1 }" >"$here/site2/lintel.yaml"; }
settings 'listen: ["coap://[::1]:0"], groups: [all]'
says "groups need the listener of all addresses" 'add coap://\[::\]:5683 to `listen`' second
settings 'listen: ["coap://[ff02::fd]:5683"], unprotected: yes'
says "a group is no listener" 'name it in `groups`' second
settings 'listen: ["coap://[::1]:0"], echo: sometimes'
says "echo is a choice" 'amplification' second
kill "$hub"
wait "$hub"
exits "it ends well" 0 test $? = 0
finish
