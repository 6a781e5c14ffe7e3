#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plugin can't hurt the hub: one that crashes, hangs, lies or floods hurts its own bus. How it comes back: supervise.sh.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site
boxes "$site"

# Plugins that behave badly: each hurts its bus, and good ones, also in the same child, go on.
{
    echo "hub: { name: misbehaviour }"
    echo "buses:"
    for kind in counter error lost timeout stall late twice stranger nan flood refused; do echo "  $kind: { plugin: fake, isolation: \"process:all\" }"; done
    for kind in hang crash; do echo "  $kind: { plugin: fake-blocking }"; done
    echo "  good: { plugin: fake, isolation: thread }"
    echo "  dies: { plugin: fake, isolation: process, crashAfter: 3 }"
    echo "  unready: { plugin: fake, isolation: process, failing: start }"
    echo "  stillborn: { plugin: fake, isolation: process, failing: crash }"
} >"$site/lintel.yaml"
for kind in counter error lost timeout stall late twice stranger nan flood refused hang crash; do box "$site" $kind $kind; done
for bus in good dies unready stillborn; do box "$site" $bus; done
start_hub "$site" || { not_ok "the hub starts with bad plugins"; finish; }
start watch-dies "$build/bin/lintel" watch dies
soon "a good one beside bad ones" '^[0-9]+$' lintel get counter/count
soon "an error of the device is told" 'not in the mood' lintel get error/count
soon "its other point is good" '^0 %$' lintel get error/level
soon "a point left out of the answer" "answer left it out" lintel get lost/count
soon "a timeout" 'in time' lintel get timeout/count
soon "a plugin that stalls" 'in time|stale|no value' lintel get stall/count
soon "an answer that comes late is none" 'in time|stale|no value' lintel get late/count
soon "a second answer ends it" 'twice .*completed a request twice' lintel status
soon "and is told" 'twice: .*MISBEHAV' cat "$here/linteld.log"
soon "an answer for strangers ends it" 'stranger .*answered for points that it was not asked for' lintel status
soon "and is told" 'stranger: .*MISBEHAV' cat "$here/linteld.log"
soon "no value of it is seen" 'no value' lintel get stranger/count
soon "no number is none" 'not a finite number' lintel get nan/count
soon "an address that the plugin refuses" 'no such address' lintel get refused/count
soon "a flood stays on its bus" '^[0-9]+( %)?$' lintel get flood/level
soon "and is told" 'flood .*floods: [0-9]+ values replaced' lintel status
says_not "it is no lie" 'flood: .*MISBEHAV' cat "$here/linteld.log"
soon "a call that never returns" 'in time|stale|no value' lintel get hang/count
soon "a crash with each read" 'signal|ended|crash' lintel get crash/count
soon "one that dies now and then has values in between" 'Box/count  [0-9]+$' cat "$here/watch-dies.log"
soon "it is started again" '^[1-9]' of dies restarts
soon "after the fifth end rarely" '^dies .* alarm ' lintel status
soon "one that can't start says so" 'start failed' lintel status
soon "one that crashes at the start says so" 'stillborn .*(signal|ended|crash|SIG)' lintel status
first=$(lintel get good/count)
soon "the good one went on counting" 'more' bash -c "[ \$('$build/bin/lintel' get good/count) -gt $first ] && echo more"
alive "$hub" && ok "the daemon lives"
lintel status | sed 's/^/# /'
kill "$hub"
wait "$hub"
exits "it ends well in spite of a plugin that hangs" 0 test $? = 0
left=$(ps -eo args | grep -F "$here" | grep -v grep)
if [ -z "$left" ]; then ok "nothing is left running"; else not_ok "nothing is left running" "$left"; fi
finish
