#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/soak/line.sh SECONDS: thirty meters on a line with the timing of 9,600 baud, four of them bad, in real time. Two more die
# after a third of the time and come back after two thirds.
seconds=${1:-3600}
: "${LINTEL_SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${LINTEL_BUILDDIR:=$LINTEL_SRCDIR/build}"
export LINTEL_SRCDIR LINTEL_BUILDDIR
. "$LINTEL_SRCDIR/tests/integration/lib.sh"
. "$source_dir/tests/sim/line.sh"
units=30 poll=20
line_start $units $poll || { not_ok "the line starts"; finish; }
from=$SECONDS
# go_on PART: until this part of the time, in percent, is over.
go_on() { while [ $((SECONDS - from)) -lt $((seconds * $1 / 100)) ]; do sleep 0.5; done; }
first=$(line_until_good 1 26 60)
line_at_most "the first full cycle, in seconds" "$first" 30
[ "$seconds" -lt 200 ] || sleep $((2 * poll))
counts=$(line_counts) busy=$(of line-1 busy) dead=$(line_unit m27 time) began=$(date +%s%N)
go_on 33
counts_then=$(line_counts) busy_then=$(of line-1 busy) dead_then=$(line_unit m27 time) took=$((($(date +%s%N) - began) / 1000000))
line_within "use of the line, in seconds" 5 "$(python3 -c "print(round($busy_then - $busy, 3))")" \
    "$(python3 -c 'import json, sys; a, b = map(json.loads, sys.argv[1:]); print(round(b["busy"] - a["busy"], 3))' "$counts" "$counts_then")"
[ "$took" -lt 120000 ] ||
    line_at_most "the dead one's part of the time, in %" "$(python3 -c "print(round(($dead_then - $dead) * 1e5 / $took, 2))")" 1
line_at_most "the good ones are good: seconds" "$(line_until_good 1 26 30)" 30
line_says "kill 1"
line_says "kill 26"
go_on 66
says "one that was killed is away" '^m1 +down ' lintel status line-1
line_says "revive 1"
line_says "revive 26"
line_says "revive 27"
line_at_most "they are back, in seconds" "$(line_until_good 1 26 90)" 60
go_on 100
line_at_most "all are good at the end" "$(line_until_good 1 26 30)" 30
line_strays >"$here/strays"
says_not "no value is another point's" stray cat "$here/strays"
says "among many" 'values [0-9]{3}' cat "$here/strays"
grep -h '^values' "$here/strays" | sed 's/^/# /'
lintel status line-1 | sed 's/^/# /'
finish
