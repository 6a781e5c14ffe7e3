#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hard RS-485 line in real time, for half a minute; tests/soak/line.sh runs it for as long as you like, tests/sim/line_test for
# hours on a fake clock.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/sim/line.sh"
units=12 poll=8
line_start $units $poll || { not_ok "the line starts"; finish; }
from=$(date +%s%N)
says "what it needs is told before" 'bus line-1 needs 60 % of its time: 12 things, 48 requests and 2,736 bytes each 8 s; a cycle takes 4\.8 s' \
    lintel check "$here/site"
says "also to programs" '"needs":0\.59' lintel --json check "$here/site"
cp -r "$here/site" "$here/much"
sed -i 's/poll: 8/poll: 3/' "$here/much/bindings/"*
says "too much is a warning at the bus" \
    'much/lintel.yaml:3:[0-9]+: warning: bus line-1 needs 159 % of its time: .* Most is for m1 \(13\.2 %\), m2 .* and m3 .*\. Poll each 6\.9 s, or set baud: 57600' \
    lintel check "$here/much"
exits "and refuses nothing" 0 lintel check "$here/much"

cp -r "$here/site" "$here/tcp"
sed -i 's/transport: .*/transport: tcp, host: 127.0.0.1 }/' "$here/tcp/lintel.yaml"
says "over TCP a round trip is assumed" 'bus line-1 needs 12 % of its time' lintel check "$here/tcp"
sed -i 's/poll: 3/poll: 6/' "$here/much/bindings/"*
says "much is a note" '^note: bus line-1 needs 79 % of its time: .* Poll each 6\.9 s' lintel check "$here/much"

first=$(line_until_good 1 8 20)
line_at_most "the good meters are good, in seconds" "$first" 12
busy=$(of line-1 busy) counts=$(line_counts) began=$(date +%s%N)
while [ $((($(date +%s%N) - from) / 1000000000)) -lt 24 ]; do sleep 0.2; done
counts_then=$(line_counts) busy_then=$(of line-1 busy) took=$((($(date +%s%N) - began) / 1000000))
read -r seen most < <(python3 - "$counts" "$counts_then" <<'CODE'
import json, sys
a, b = map(json.loads, sys.argv[1:])
print(round(b["busy"] - a["busy"], 3), max(b["units"][u]["requests"] - a["units"][u]["requests"] for u in "12345678"))
CODE
)
# Within 5 % on a machine that keeps time (tests/sim/line_test, tests/soak/line.sh); here others may use it too, and the
# processes wait for their turn.
line_within "the hub's idea of the line's use is the line's own" 60 "$(python3 -c "print(round($busy_then - $busy, 3))")" "$seen"
line_at_most "requests of one meter in the time" "$most" $((5 * (took / 1000 / poll + 2)))
says "the limit was learned" 'm10: unit 10 takes at most 50 registers in one read \(it refused 64\): set maxRegisters: 50' cat "$here/linteld.log"
says "so was the missing register" 'm11 .*p62: exception 2: illegal data address \(input 62..63, unit 11\)' cat "$here/linteld.log"
says "the limited one is good" '^m10 +ok' lintel status line-1
says "the dead one is told" '^m9 +down .*unit 9 did not answer' lintel status line-1
says "so is the late one" '^m12 +down ' lintel status line-1
says "the bus' use is told" 'The line is busy [0-9]+ % .*; a full cycle takes [0-9.]+ (s|ms)' lintel status line-1
says "and what the polls need" 'All polls need [0-9]+ % of its time\.' lintel status line-1
says "the resource has buckets" '"latency":( |\[|$)' lintel --json status line-1
says "an unknown bus" 'there is no bus "line-2"' lintel status line-2
says "too many words" 'status takes one bus' lintel status line-1 line-2
for width in 80 100; do
    wide=$(COLUMNS=$width lintel status line-1 | awk -v w=$width 'length($0) > w' | head -3)
    [ -z "$wide" ] && ok "it fits into $width columns" || not_ok "it fits into $width columns" "$wide"
    wide=$(COLUMNS=$width lintel status | awk -v w=$width 'length($0) > w' | head -3)
    [ -z "$wide" ] && ok "so does the hub's" || not_ok "so does the hub's, $width columns" "$wide"
done
line_strays >"$here/strays"
says_not "no value is another point's" stray cat "$here/strays"
says "among many" 'values [0-9]{3}' cat "$here/strays"
COLUMNS=100 lintel status line-1 | sed 's/^/# /'
finish
