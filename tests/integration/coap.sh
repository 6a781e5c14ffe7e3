#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The resource tree through a CoAP client that we did not write: methods, formats, blocks, observation, and datagrams that
# no client would send.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port)
base=coap://[::1]:$port v4=coap://127.0.0.1:$port
box=$base/d/store/Box
boxes "$site"
cat >"$site/lintel.yaml" <<FILE
hub: { name: coap }
buses:
  store: { plugin: fake }
  quiet: { plugin: fake, everyMs: 60000 }
transports:
  coap: { plugin: coap, listen: ["$base", "$v4"] }
FILE
box "$site" store
for n in $(seq 60); do echo "- { thingId: a-thing-with-a-long-name-$n, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: quiet } }"; done >"$site/things/many.yaml"
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "a value" '^[0-9]+$' coap "$box/p/count"
exits "a value is set" 0 lintel set store/level 42.5
soon "and there" '^42\.5$' coap "$box/p/level"

# Methods.
says "GET" '^42\.5$' coap -m get "$box/p/level"
says_not "PUT" '[45]\.[0-9][0-9]' coap -m put -t 50 -e 17 "$box/p/level"
soon "has written" '^17$' coap "$box/p/level"
says "PUT out of range" '4\.22 .*maximum' coap -m put -t 50 -e 101 "$box/p/level"
says "PUT of a wrong type" '4\.00 ' coap -m put -t 50 -e true "$box/p/level"
says "PUT in an unknown format" '4\.15 ' coap -m put -t 42 -e 17 "$box/p/level"
says "PUT to a read-only property" '4\.05 .*read-only' coap -m put -t 50 -e 1 "$box/p/count"
says "POST to a property" '4\.05 ' coap -m post -t 50 -e 1 "$box/p/level"
says "DELETE" '4\.05 ' coap -m delete "$box/p/level"
says "FETCH" '4\.05 ' coap -m fetch -t 50 -e 1 "$box/p/level"
says "PATCH" '4\.05 ' coap -m patch -t 50 -e 1 "$box/p/level"
says "iPATCH" '4\.05 ' coap -m ipatch -t 50 -e 1 "$box/p/level"
says "an unknown property gets the nearest" '4\.04 .*did you mean count' coap "$box/p/cuont"
says "an unknown thing gets the nearest" '4\.04 .*did you mean store' coap "$base/d/stroe/Box/p/count"
says "an unknown path" '4\.04 ' coap "$base/nowhere"
says "none of it was written" '^17$' coap "$box/p/level"

# Formats. Bytes are compared as hex.
hex() { coap "$@" | od -An -tx1 | tr -d ' \n'; }
says "text" '^17$' coap -A 0 "$box/p/level"
says "JSON" '^17$' coap -A 50 "$box/p/level"
says "CBOR" '^f94c40(0a)?$' hex -A 60 "$box/p/level"
says "SenML JSON" '^\[\{"bn":"coap:store/","n":"Box/level","u":"%","v":17,"t":[0-9.]+\}\]$|"n":"(coap:store/)?Box/level"' coap -A 110 "$box/p/level"
says "SenML CBOR begins with an array of one map" '^81a' hex -A 112 "$box/p/level"
says "a format that nobody has" '4\.06 ' coap -A 42 "$box/p/level"
says_not "CBOR is taken" '[45]\.[0-9][0-9]' coap -m put -t 60 -e '%18%2a' "$box/p/level"
soon "as the number that it is" '^42$' coap "$box/p/level"
says_not "SenML JSON is taken" '[45]\.[0-9][0-9]' coap -m put -t 110 -e '[{"n":"coap:store/Box/level","v":43}]' "$box/p/level"
soon "with its value" '^43$' coap "$box/p/level"
says "CBOR that ends early" '4\.00 ' coap -m put -t 60 -e '%1b%00' "$box/p/level"
says "JSON with something behind it" '4\.00 ' coap -m put -t 50 -e '43 44' "$box/p/level"
says "a pack of the thing" '"n":"Box/count"' coap -A 110 "$base/d/store/s"

# Large answers in blocks.
coap -b 64 "$base/d" >"$here/blocks"
coap "$base/d" >"$here/large"
says "60 things in blocks of 64 bytes" '^61$' bash -c "tr ',' '\n' <'$here/blocks' | grep -c '^</d/'"
exits "are what blocks of any size say" 0 cmp "$here/blocks" "$here/large"
says "a filter on links" '^</d/store>' coap "$base/.well-known/core?href=/d/store"
says_not "finds nothing else" 'long-name' coap "$base/.well-known/core?href=/d/store"
says "with a wildcard" '</d/a-thing-with-a-long-name-60>' coap "$base/.well-known/core?href=/d/a-thing*"
says "over IPv4 all is the same" '^43$' coap "$v4/d/store/Box/p/level"

# Observation.
streams "observed, the counter counts" '([0-9]+[^0-9]*){3}' coap-client-notls -B 30 -s 30 -A 110 "$box/p/count"
start slow coap-client-notls -B 4 -s 3 "$box/p/count?c.pmin=60"
slow=$pid
start step coap-client-notls -B 30 -s 30 "$box/p/level?c.st=10"
start events coap-client-notls -B 30 -s 30 "$box/e/tick"
wait_log step 43 || not_ok "a property is observed with a step"
lintel set store/level 45
lintel set store/level 60
wait_log step 60 || not_ok "a change of more than the step is told"
says "a step of 10 hides a change of 2" '^4360$' cat "$here/step.log"
soon "an event is observed" '[0-9]' cat "$here/events.log"
wait "$slow"
says "c.pmin holds notifications back" '^[0-9]{1,4}$' cat "$here/slow.log"
for bad in c.pmin=x c.st=-1 c.st= c.pmin=10\&c.pmax=5 c.nothing=1 c.gt=1\&c.gt=2 c.pmin=1e999; do
    says "malformed: $bad" '4\.00 .*c\.' coap -s 2 "$box/p/count?$bad"
done

# Listeners beyond loopback.
mkdir -p "$here/site2"
listen_on() { echo "hub: { name: second }
transports:
  coap: { plugin: coap, listen: [\"$1\"]${2:-} }" >"$here/site2/lintel.yaml"; }
second() { carry "$here/site2"; timeout 10 "$build/bin/linteld" --site "$here/site2" --run "$here/run2" --state "$here/state2"; }
mkdir "$here/run2" "$here/state2"
listen_on "$base"
says "a port that is taken is told" "cannot listen on coap://\[::1\]:$port: another program listens there" second
listen_on "coap://[::]:0"
says "open listeners must be written down in words" 'unprotected: yes' second
listen_on "coap://0.0.0.0:0"
says "for IPv4 too" 'unprotected: yes' second
listen_on "coap://localhost:0"
says "an address must be in figures" 'error' second
if unshare -n true 2>/dev/null; then
    listen_on "coap://10.99.0.1:5683" ", unprotected: yes"
    carry "$here/site2"
    # A network of its own, with an address that is not loopback.
    cat >"$here/net.sh" <<'NET'
build=$1 here=$2
ip link set lo up
ip addr add 10.99.0.1/24 dev lo
"$build/bin/linteld" --site "$here/site2" --run "$here/run2" --state "$here/state2" >"$here/second.log" 2>&1 &
hub=$!
for _ in $(seq 100); do grep -q 'listening on' "$here/second.log" && break; sleep 0.05; done
timeout 10 coap-client-notls -B 5 coap://10.99.0.1/.well-known/core 2>&1
kill $hub
wait $hub
NET
    says "unprotected: other machines are answered" '</.well-known/core>' unshare -n bash "$here/net.sh" "$build" "$here"
    says "and the log warns" 'warn .*10\.99\.0\.1.*(unprotected|encryption|anybody|everybody)' cat "$here/second.log"
else
    echo "# no network namespaces for this user: left out"
fi

# What no client would send: noise, and requests with a few bytes changed.
cat >"$here/noise.py" <<'CODE'
import os, random, socket, sys
port, seed = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)
def opt(delta, value):
    n = len(value)
    head = lambda x: (x, b"") if x < 13 else (13, bytes([x - 13])) if x < 269 else (14, (x - 269).to_bytes(2, "big"))
    (d, de), (l, le) = head(delta), head(n)
    return bytes([d << 4 | l]) + de + le + value
def request(kind, code, path, extra=b"", payload=b""):
    out, last = bytes([0x40 | kind << 4 | 2, code]) + os.urandom(2) + os.urandom(2), 0
    for part in path.split("/"):
        out += opt(11 - last, part.encode())
        last = 11
    return out + extra + (b"\xff" + payload if payload else b"")
seeds = [request(0, 1, ".well-known/core"), request(0, 1, "d/store/Box/p/count", opt(6, b"\x32")),
         request(1, 1, "d/store/Box/p/level", opt(4, b"c.pmin=1")), request(0, 3, "d/store/Box/p/level", opt(1, b"\x32"), b"5"),
         request(0, 3, "d/store/Box/p/level", opt(1, b"\x3c"), b"\x18\x2a"), request(0, 2, "d/store/Box/a/none", b"", b"{}"),
         request(0, 1, "d", opt(12, b"\x02")), request(0, 3, "d/store/Box/p/level", opt(1, b"\x32") + opt(15, b"\x0e"), b"x" * 1024)]
to = ("::1", port)
socks = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(8)]
for n in range(2000):
    if n % 2:
        data = bytearray(random.choice(seeds))
        for _ in range(random.randrange(1, 5)):
            what = random.randrange(4)
            at = random.randrange(len(data))
            if what == 0: data[at] = random.randrange(256)
            elif what == 1: data[at] ^= 1 << random.randrange(8)
            elif what == 2: del data[at:at + random.randrange(1, 6)]
            else: data[at:at] = os.urandom(random.randrange(1, 6))
            if not data: data = bytearray(b"\x40")
    else:
        data = os.urandom(random.randrange(0, 1400))
    socks[n % 8].sendto(bytes(data), to)
    if n % 50 == 49:  # the hub has to keep up: a request that must be answered
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.settimeout(2)
        for attempt in range(5):
            s.sendto(request(1, 1, "d/store/Box/p/level"), to)
            try:
                s.recv(2000)
                break
            except socket.timeout:
                pass
        else:
            print("no answer after", n + 1)
            sys.exit(1)
        s.close()
print("answered all along; seed", seed)
CODE
before=$(of store values)
seed=$RANDOM
says "2,000 datagrams that no client sends (seed $seed)" 'answered all along' python3 "$here/noise.py" "$port" "$seed"
if alive "$hub"; then ok "the hub lives"; else not_ok "the hub lives" "$(tail -20 "$here/linteld.log")"; fi
soon "and works" more bash -c "[ \"\$('$build/bin/lintel' --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"buses\"][0][\"values\"])')\" -gt $before ] && echo more"
says "the level is in its range" '^([0-9]|[0-9][0-9]|100)(\.[0-9]+)?$' coap "$box/p/level"
says "the log is not flooded" '^[0-9]{1,3}$' bash -c "wc -l <'$here/linteld.log'"
kill "$hub"
wait "$hub"
exits "it ends well" 0 test $? = 0
finish
