#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A child of the hub is killed: its buses suffer, say so, and come back alone. The daemon is killed: no child outlives it.
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
murder "$both"
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
    murder "$(of own pid)"
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
finish
