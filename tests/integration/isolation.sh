#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plugin can't hurt the hub: its child is killed, it crashes, hangs, lies and floods; one bus suffers and comes back.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site
boxes "$site"
cat >"$site/lintel.yaml" <<'FILE'
hub: { name: isolation }
buses:
  thread: { plugin: fake, isolation: thread }
  alone: { plugin: fake-blocking }
  one: { plugin: fake, isolation: "process:both" }
  two: { plugin: fake, isolation: "process:both" }
  own: { plugin: fake, isolation: process }
FILE
for bus in thread alone one two own; do box "$site" $bus; done
start_hub "$site" || { not_ok "the hub starts"; finish; }
for bus in thread alone one two own; do soon "$bus speaks" '^[0-9]+$' lintel get $bus/count; done
says "a plugin that does not block runs in a thread if the site says so" '^thread$' of thread isolation
says "one that blocks gets a child of its own" '^process$' of alone isolation
says "two share a child" "^$(of one pid)\$" of two pid
says_not "the third has its own" "^$(of one pid)\$" of own pid
exits "the thread has none" 0 test "$(of thread pid)" = 0

# A child is killed: what lived in it is stale at once and fresh again soon; nobody else notices.
for bus in thread alone one two own; do
    start "watch-$bus" "$build/bin/lintel" watch $bus
    wait_log "watch-$bus" "$bus/Box/count" || not_ok "$bus is watched"
done
both=$(of one pid) own=$(of own pid)
kill -9 "$both"
for bus in one two; do
    wait_log "watch-$bus" "$bus/Box/count .* stale" || not_ok "$bus is told as stale"
    soon "$bus is stale, then fresh" fresh bash -c "sed '1,/count .* stale/d' '$here/watch-$bus.log' | grep -q 'Box/count  [0-9]*\$' && echo fresh"
done
says_not "the other child lives on" "^$both\$" of one pid
says "and so does the third" "^$own\$" of own pid
for bus in thread alone own; do says_not "$bus has not noticed" stale cat "$here/watch-$bus.log"; done
says "the log tells the death" 'killed|signal 9' cat "$here/linteld.log"
says "and status the restart" '^1$' of one restarts
exits "commands reach the new child" 0 lintel set one/level 42
soon "and read back" '^42 %$' lintel get one/level

# Killed again and again, it is started more slowly, and the hub says why.
for n in 1 2 3; do
    kill -9 "$(of own pid)"
    soon "the child is started again, $n" "^$n\$" of own restarts
done
soon "with fresh values" '^[0-9]+$' lintel get own/count

# The daemon dies: its children end by themselves, and the next one starts over what it left behind.
children=$(for bus in alone one own; do of $bus pid; done | sort -u)
exits "there are three children" 0 test "$(wc -w <<<"$children")" = 3
kill -9 "$hub"
wait "$hub" 2>/dev/null
for child in $children; do
    end=$((SECONDS + 10))
    while alive "$child" && [ $SECONDS -lt $end ]; do sleep 0.05; done
    if alive "$child"; then not_ok "a child has ended with the daemon"; else ok "a child has ended with the daemon"; fi
done
exits "the socket is left behind" 0 test -S "$here/run/lintel.sock"
says "without a hub the command line says so" 'no hub is running' lintel status
exits "and has status 3" 3 lintel status
start_hub "$site" || { not_ok "the next one starts"; finish; }
soon "the next one starts over it" '^[0-9]+$' lintel get one/count
children=$(for bus in alone one own; do of $bus pid; done | sort -u)
kill "$hub"
wait "$hub"
exits "an end by signal is a good end" 0 test $? = 0
for child in $children; do
    if alive "$child"; then not_ok "no child outlives the daemon"; else ok "no child outlives the daemon"; fi
done
exits "its socket is gone" 1 test -e "$here/run/lintel.sock"

# Plugins that behave badly: each hurts its bus, and good ones, also in the same child, go on.
rm "$site/things/boxes.yaml"
{
    echo "hub: { name: isolation }"
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
soon "a second answer is thrown away" '^[0-9]+$' lintel get twice/count
soon "and told" 'twice: .*MISBEHAV' cat "$here/linteld.log"
soon "values of strangers are thrown away" '^[0-9]+$' lintel get stranger/count
soon "and told" 'stranger: .*MISBEHAV' cat "$here/linteld.log"
soon "no number is none" 'not a finite number' lintel get nan/count
soon "an address that the plugin refuses" 'no such address' lintel get refused/count
soon "a flood stays on its bus" '^[0-9]+( %)?$' lintel get flood/level
soon "a call that never returns" 'in time|stale|no value' lintel get hang/count
soon "a crash with each read" 'signal|ended|crash' lintel get crash/count
soon "one that dies now and then has values in between" 'Box/count  [0-9]+$' cat "$here/watch-dies.log"
soon "it is started again" '^[1-9]' of dies restarts
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
