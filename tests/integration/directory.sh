#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The resource directory through a CoAP client that we did not write: registrations, lookups, pages, observation, limits,
# and a hub that is killed.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site port=$(free_port)
base=coap://[::1]:$port
boxes "$site"
cat >"$site/lintel.yaml" <<FILE
hub: { name: plant-7 }
buses:
  store: { plugin: fake }
  lost: { plugin: fake }
transports:
  coap: { plugin: coap, listen: ["$base"] }
directory:
  sector: hall
  sectors: { plant: bound, lab: open }
  refuse:
    - { who: anybody, links: ["rt=oma.fw*"] }
FILE
box "$site" store
box "$site" lost timeout
start_hub "$site" || { not_ok "the hub starts"; finish; }
post() { coap -v 6 -m post -t 40 -e "$2" "$base/$1"; }
# register QUERY LINKS: the location, without its slash.
register() { post "rd?$1" "$2" | sed -n 's/.*c:2\.01.*Location-Path:rd, Location-Path:\([0-9a-f]*\).*/rd\/\1/p'; }

# Discovery.
for rt in core.rd 'core.rd-lookup*' core.rd-lookup-ep core.rd-lookup-res 'core.rd*'; do
    wanted=1
    case $rt in 'core.rd-lookup*') wanted=2 ;; 'core.rd*') wanted=3 ;; esac
    says "discovery of $rt" "^$wanted\$" bash -c "timeout 20 coap-client-notls -B 5 '$base/.well-known/core?rt=$rt' | grep -o '</rd[^>]*>' | wc -l"
done
says "what it is made by" '^<https://[^>]*/lintel/[0-9.]+>;rel="impl-info"' coap "$base/.well-known/core?rel=impl-info"

# The things of the hub.
soon "a thing is an endpoint" '^</rd/[0-9a-f]{16}>;ep="store";base="'"${base//[\[\]]/.}"'";rt="core.rd-ep";et="https://example.com/models/box#/sdfObject/Box";gw="plant-7";state="ok"' \
    coap "$base/rd-lookup/ep?ep=store"
soon "one that does not answer says so" 'ep="lost".*state="down"' coap "$base/rd-lookup/ep?ep=lost"
says "found by what it is" "^<coap://[^>]*/d/store/Box/p/level>;rt=" coap "$base/rd-lookup/res?rt=https://example.com/models/box%23/sdfObject/Box/sdfProperty/level&ep=store"
link=$(coap "$base/rd-lookup/res?ep=store" | grep -o '<coap://[^>]*/p/count>' | tr -d '<>')
soon "and its link leads there" '^[0-9]+$' coap "$link"
thing=$(coap "$base/rd-lookup/ep?ep=store" | grep -o 'rd/[0-9a-f]*' | head -1)
says "which is not for clients to change" '4\.03 ' coap -m delete "$base/$thing"

# Registration.
light='</light/left>;rt="tag:example.com,2020:light",</light/right>;rt="tag:example.com,2020:light"'
one=$(register 'ep=lm-1&d=R2-4-015&lt=600&base=coap://[2001:db8:4::1]' "$light")
two=$(register 'ep=lm-2&d=R2-4-015&lt=600&et=a&et=b&base=coap://[2001:db8:4::2]' "$light")
group=$(register 'ep=grp&d=R2-4-015&et=core.rd-group&base=coap://[ff05::1]' "$light")
says "three locations" '^rd/[0-9a-f]{16} rd/[0-9a-f]{16} rd/[0-9a-f]{16}$' echo "$one $two $group"
says "again: the same one" "^$one\$" register 'ep=lm-1&d=R2-4-015&lt=600&base=coap://[2001:db8:4::1]' "$light"
says "a sector of its own, the site's" 'd="hall"' bash -c "$(declare -f coap post register); base='$base'; register 'ep=x&base=coap://h' '' >/dev/null; coap '$base/rd-lookup/ep?ep=x'"
says "an update" '2\.04' coap -v 6 -m post "$base/$two?base=coap://[2001:db8:4::3]"
says "is seen" '^<coap://\[2001:db8:4::3\]/light/left>' coap "$base/rd-lookup/res?ep=lm-2"
exits "a registration is removed" 0 coap -m delete "$base/$(register 'ep=gone&base=coap://h' '')"
says "and is not there" '^$' coap "$base/rd-lookup/ep?ep=gone"

# Simple registration: the hub asks back, on the way that the question came.
cat >"$here/node.py" <<'CODE'
import socket, sys
hub = ("::1", int(sys.argv[1]))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::1", 0))
s.settimeout(10)
def opt(delta, value):
    n = len(value)
    return (bytes([delta << 4 | n]) if n < 13 else bytes([delta << 4 | 13, n - 13])) + value
s.sendto(b"\x41\x02\x12\x34\x77" + opt(11, b".well-known") + opt(0, b"rd") + opt(4, b"ep=simple") + opt(0, b"lt=600"), hub)
while True:
    data, peer = s.recvfrom(2000)
    kind, tkl, code = data[0] >> 4 & 3, data[0] & 15, data[1]
    if code == 1:
        print("asked from", "the hub's port" if peer[1] == hub[1] else "another port")
        s.sendto(bytes([0x60 | tkl, 0x45]) + data[2:4 + tkl] + b"\xc1\x28\xff" + b"</sensors/temp>;rt=simple", peer)
    elif code:
        print("then %d.%02d" % (code >> 5, code & 31))
        if kind == 0:
            s.sendto(b"\x60\x00" + data[2:4], peer)
        break
CODE
says "simple registration" '^asked from the hub.s port then 2\.04 $' bash -c "python3 '$here/node.py' $port | tr '\n' ' '"
says "with what the endpoint has" '^<coap://\[::1\]:[0-9]+/sensors/temp>;rt=simple' coap "$base/rd-lookup/res?ep=simple"
says "but not with a base" '4\.00 base' coap -m post "$base/.well-known/rd?ep=simple&base=coap://h"
says "a base from the source" '^</rd/[0-9a-f]*>;ep="nobase";d="hall";base="coap://\[::1\]:[0-9]+"' bash -c "$(declare -f coap post register); base='$base'; register 'ep=nobase' '' >/dev/null; coap '$base/rd-lookup/ep?ep=nobase'"

# A device that speaks CoAP itself, with its own port: a tool reads what it has and registers it; clients find it beside
# the mapped things and go to it directly. The hub relays nothing.
native=$(free_port)
start native coap-server-notls -A ::1 -p "$native"
soon "a native device has a clock" '</time>' coap "coap://[::1]:$native/.well-known/core"
coap "coap://[::1]:$native/.well-known/core" | grep -o '</time>[^,]*' >"$here/native.links"
clock=$(register "ep=clock-1&et=native&lt=600&base=coap://[::1]:$native" "$(cat "$here/native.links")")
says "a tool registers it" '^rd/[0-9a-f]{16}$' echo "$clock"
says "it is found by what it is, at its own address" "^<coap://\[::1\]:$native/time>;.*rt=\"?ticks" coap "$base/rd-lookup/res?rt=ticks"
says "endpoints, mapped and native" '^2$' bash -c "timeout 20 coap-client-notls -B 5 '$base/rd-lookup/ep' | tr ',' '\n' | grep -cE 'ep=\"(store|clock-1)\"'"
found=$(coap "$base/rd-lookup/res?rt=ticks" | sed -n 's/^<\([^>]*\)>.*/\1/p')
says "and answers there" '^[A-Z][a-z]{2} [0-9]{2} [0-9:]{8}' coap "$found"
says "the hub does not answer for it" '4\.04 ' coap "$base/time"
says "nor as a proxy" '5\.05 ' coap -P "$base" "$found"
exits "the tool removes it" 0 coap -m delete "$base/$clock"
says "and it is not found any more" '^$' coap "$base/rd-lookup/res?rt=ticks"
stop "$pid"

# A group (RFC 9176 section 10.1.2): its tool registers it with the group's address; et tells it from devices.
says "a group is found as one" "^</$group>;ep=\"grp\";d=\"R2-4-015\";base=\"coap://\[ff05::1\]\";rt=\"core.rd-ep\";et=\"core.rd-group\"\$" coap "$base/rd-lookup/ep?et=core.rd-group"
says "with the links that its members share" '^<coap://\[ff05::1\]/light/left>;rt="tag:example.com,2020:light",<coap://\[ff05::1\]/light/right>;rt="tag:example.com,2020:light"$' coap "$base/rd-lookup/res?ep=grp"

# What is refused.
refused() { says "$1: $3" "$3" post "rd?$2" "${4-}"; }
refused "no name" 'base=coap://h' '4\.00 ep:'
refused "no lifetime" 'ep=a&lt=0&base=coap://h' '4\.00 lt:'
refused "a zone id" 'ep=a&base=coap://[fe80::1%25eth0]' '4\.00 base'
refused "a lookup's word" 'ep=a&page=1&base=coap://h' '4\.00 .*page'
refused "a relative link" 'ep=a&base=coap://h' '4\.00 links, byte 0' '<temp>'
refused "a link that the site does not want" 'ep=a&base=coap://h' '4\.03 .*rt=oma\.fw' '</fw>;rt=oma.fw1'
refused "a bound name" 'ep=a&d=plant&base=coap://h' '4\.0[13] .*identity'
says "another format" '4\.15 ' coap -m post -t 50 -e '[]' "$base/rd?ep=a&base=coap://h"
says "none of it is there" '^$' coap "$base/rd-lookup/ep?ep=a"
says "a lookup in JSON" '4\.06 ' coap -A 50 "$base/rd-lookup/ep"

# Filters.
lookup() { coap "$base/rd-lookup/$1" | tr ',' '\n' | grep -c '^<'; }
filter() { says "$1: $2" "^$2\$" lookup "$1"; }
filter 'ep?d=R2-4-015' 3
filter 'ep?et=core.rd-group' 1
filter 'ep?et=b' 1
filter 'ep?ep=lm*' 2
filter 'ep?ep=lm*&et=a' 1
filter "ep?href=/$one" 1
filter 'ep?rt=tag:example.com%2c2020:light' 3
filter 'res?rt=tag:example.com%2c2020:light' 6
filter 'res?d=R2-4-015&et=core.rd-group' 2
filter "res?href=/$one" 2
filter 'res?href=coap://%5b2001:db8:4::1%5d/light/left' 1
filter 'res?href=coap://%5b2001:db8:4::1%5d/*' 2
filter 'res?rt=tag:example.com*&count=4' 4
filter 'res?rt=tag:example.com*&count=4&page=1' 2
filter 'res?rt=tag:example.com*&count=4&page=2' 0
filter 'res?rt=nothing' 0
says "a page of nothing" '4\.00 ' coap "$base/rd-lookup/res?page=1"

# Observation.
start lights coap-client-notls -B 60 -s 60 "$base/rd-lookup/res?rt=late"
soon "observed from nothing" '"observers": 1' lintel --json status
late=$(register 'ep=late&lt=600&base=coap://h' '</w>;rt=late')
soon "to something" '<coap://h/w>;rt=late' cat "$here/lights.log"
register 'ep=other&base=coap://h' '</x>;rt=other' >"$here/never"
coap -m post "$base/$late?base=coap://g" >"$here/never"
soon "to something else" '<coap://g/w>;rt=late' cat "$here/lights.log"
says "and what is other is not told" '^0$' grep -c other "$here/lights.log"
stop "$pid"

# A long answer in blocks.
seq 1 900 | sed 's/.*/<\/res\/&>;rt=block/' | paste -sd, >"$here/links"
says "900 links" '2\.01' coap -v 6 -m post -t 40 -f "$here/links" "$base/rd?ep=large&base=coap://large"
says "come back whole" '^900$' bash -c "timeout 20 coap-client-notls -B 10 '$base/rd-lookup/res?ep=large' | tr ',' '\n' | grep -c '^<coap://large/res/[0-9]*>;rt=block'"

# Thousands of endpoints in blocks, while others come and go.
cat >"$here/many.py" <<'CODE'
import re, select, socket, sys, time
hub = ("::1", int(sys.argv[2]))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
mid = 0
def opt(delta, value):
    n = len(value)
    return (bytes([delta << 4 | n]) if n < 13 else bytes([delta << 4 | 13, n - 13])) + value
def message(code, path, query=()):
    global mid
    mid = mid % 65535 + 1
    data, last = b"\x42" + bytes([code]) + mid.to_bytes(2, "big") * 2, 0
    for number, value in [(11, p) for p in path] + ([(12, b"\x28")] if code == 2 else []) + [(15, q) for q in query]:
        data += opt(number - last, value)
        last = number
    return mid, data + (b"\xff</a>;rt=many" if code == 2 else b"")
def register(name):
    return message(2, [b"rd"], [b"ep=" + name.encode(), b"d=lab", b"et=many", b"base=coap://h"])
def run(requests, each=lambda name, answer: None):
    """All of them, at most 32 under way; what is lost is sent again."""
    waiting, requests = {}, iter(requests)
    while True:
        while len(waiting) < 32 and (next_one := next(requests, None)):
            name, (number, data) = next_one
            waiting[number] = [name, data, time.monotonic()]
            s.sendto(data, hub)
        if not waiting:
            return
        if select.select([s], [], [], 0.2)[0]:
            answer = s.recv(2000)
            if answer[0] >> 4 & 3 == 0: # a separate one
                s.sendto(b"\x60\0" + answer[2:4], hub)
            if answer[1] and (known := waiting.pop(int.from_bytes(answer[4:6], "big"), None)):
                each(known[0], answer)
        now = time.monotonic()
        for one in waiting.values():
            if now - one[2] > 3:
                one[2] = now
                s.sendto(one[1], hub)
def still():
    codes = {}
    def count(name, answer):
        codes[answer[1]] = codes.get(answer[1], 0) + 1
    run(((n, register(f"still-{n}")) for n in range(3000)), count)
    print(*(f"{c >> 5}.{c & 31:02}={n}" for c, n in codes.items()))
def moving():
    """Some come and go, for as long as it runs."""
    n = 0
    while True:
        places = []
        run(((i, register(f"moving-{n + i}")) for i in range(64)), lambda name, answer: places.append(answer))
        ids = [m.group(0) for a in places if (m := re.search(rb"[0-9a-f]{16}", a))]
        run((i, message(4, [b"rd", i])) for i in ids)
        n += 64
        print(n, len(ids), flush=True)
def judge():
    text = sys.stdin.read()
    one = r'<(/rd/[0-9a-f]{16})>;ep="([^"]+)"(?:;[a-z]+="[^"]*")*'
    whole = re.fullmatch(rf"{one}(?:,{one})*\s*", text) is not None
    links = [m.groups() for m in re.finditer(one, text)]
    names = [name for _, name in links]
    print("whole" if whole else "BROKEN", "once" if len(set(links)) == len(links) == len(set(names)) else "TWICE",
          sum(n.startswith("still-") for n in names), "stood still")
{"still": still, "moving": moving, "judge": judge}[sys.argv[1]]()
CODE
says "3,000 endpoints" '^2\.01=3000$' timeout 100 python3 "$here/many.py" still "$port"
start moving python3 "$here/many.py" moving "$port"
wait_log moving '^64 64'
for which in ep 'ep?d=lab' 'ep?et=many'; do
    says "$which, in blocks, while others come and go" '^whole once 3000 stood still$' \
        bash -c "timeout 60 coap-client-notls -N -B 50 '$base/rd-lookup/$which' | python3 '$here/many.py' judge '$port'"
done
says "others did come and go" '^[0-9]+ 64$' tail -1 "$here/moving.log"
says "in pages, by a confirmable request" '^whole once 500 stood still$' \
    bash -c "timeout 60 coap-client-notls -B 50 '$base/rd-lookup/ep?ep=still-*&count=500&page=1' | python3 '$here/many.py' judge '$port'"
says "a late page, which fits into one message" '^whole once 5 stood still$' \
    bash -c "timeout 60 coap-client-notls -B 50 '$base/rd-lookup/ep?ep=still-*&count=5&page=550' | python3 '$here/many.py' judge '$port'"
stop "$pid"

# LwM2M.
says "an LwM2M client of an unknown version" '4\.12 ' coap -m post -t 40 -e '</3/0>' "$base/rd?ep=urn:l&lwm2m=3.0"

# The table.
says "lintel directory" 'lm-1 +R2-4-015 +coap://\[2001:db8:4::1\] +2 +[0-9]+ min' lintel directory
says "with a word" 'grp' lintel directory R2-4-015
says_not "without others" 'store' lintel directory R2-4-015
says "as JSON" '"left": null' lintel --json directory
says "and in the status" '"kept": true' lintel --json status

# A hub that is killed. What was answered is there again, and lifetimes go on.
short=$(register 'ep=short&lt=3&base=coap://h' '</s>')
( for n in $(seq 1 4000); do coap -m post -t 40 -e '</b>' "$base/rd?ep=busy$n&d=busy&base=coap://h" >/dev/null || break; echo "$n"; done ) >"$here/busy" &
busy=$!
pids+=("$busy")
soon "registrations are under way" '^[0-9]{2,}$' tail -1 "$here/busy"
kill -9 "$hub"
wait "$hub" 2>/dev/null
answered=$(($(wc -l <"$here/busy")))
stop "$busy"
start_hub "$site" || { not_ok "the hub starts again"; finish; }
ok "the hub starts again"
filter 'ep?d=R2-4-015' 3
says "the same location" "^</$one>;ep=\"lm-1\"" coap "$base/rd-lookup/ep?ep=lm-1"
says "with its links" '^</light/left>;rt="tag:example.com,2020:light",</light/right>' coap "$base/$one"
kept=$(lookup 'ep?d=busy')
if [ "$kept" -ge $((answered - 1)) ]; then ok "all that was answered is kept ($answered answered, $kept kept)"; else not_ok "all that was answered is kept" "$answered answered, $kept kept"; fi
soon "a short lifetime has ended" '^$' coap "$base/rd-lookup/ep?ep=short"
says "and can be taken up again" '2\.04' coap -v 6 -m post "$base/$short"
says "things are there once" '^1$' lookup 'ep?ep=store'
finish
