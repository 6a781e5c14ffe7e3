#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What does wrong is ended, with its reason in one line, and started again: at once, then more slowly, then rarely, as an alarm. Its
# neighbours, also in the same child, and their clients do not notice.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site
boxes "$site"
write_site() {
    {
        echo "hub: { name: supervise }"
        echo "buses:"
        echo "  good: { plugin: fake, isolation: thread }"
        for bus in same shared; do echo "  $bus: { plugin: fake, isolation: \"process:all\"$1 }"; done
        for bus in twice exit spin noisy greedy killed; do echo "  $bus: { plugin: fake, isolation: process$1 }"; done
        echo "  alien: { plugin: fake, isolation: thread$1 }"
        echo "  unready: { plugin: fake, isolation: process, failing: start }"
    } >"$site/lintel.yaml"
}
write_site ""
for bus in good same killed unready; do box "$site" $bus; done
box "$site" shared stranger
for kind in twice exit spin noisy alien greedy; do box "$site" $kind $kind; done
cp "$site/things/boxes.yaml" "$here/boxes.yaml"
sed -i '/bus: greedy/d' "$site/things/boxes.yaml" # it comes when it has its limit
start_hub "$site" || { not_ok "the hub starts"; finish; }
for bus in good same killed; do
    soon "$bus speaks" '^[0-9]+$' lintel get $bus/count
    start "watch-$bus" "$build/bin/lintel" watch $bus
    wait_log "watch-$bus" "$bus/Box/count" || not_ok "$bus is watched"
done
all=$(of same pid)
lines() { grep -cE -- "$1" "$here/linteld.log"; }

# Whatever goes wrong again and again: four tries, then an alarm; each end is one line.
check_alarm() {
    local bus=$1 reason=$2 mark=${3:-}
    soon "$bus: an alarm" "^$bus .* alarm " lintel status
    says "$bus: with a reason and the next try" "^$bus .*alarm.*$reason; started again in [0-9]+ s" lintel status
    exits "$bus: one line for each of four ends" 0 test "$(lines " $bus: $mark.*$reason; it starts again in")" = 4
    exits "$bus: and one that says what to do" 0 test "$(lines " $bus: ALARM: .*$reason.*lintel plugin reload $bus")" = 1
}
check_alarm twice "its plugin completed a request twice" "PLUGIN MISBEHAVING"
check_alarm shared "its plugin answered for points that it was not asked for" "PLUGIN MISBEHAVING"
check_alarm alien "its plugin published values of points that it does not have" "PLUGIN MISBEHAVING"
check_alarm exit "its process ended with status 3"
check_alarm unready "start failed"
says "the points say why" "stale|no value" lintel get twice/level
exits "four of them were started four times again" 0 test "$(of twice restarts)$(of shared restarts)$(of alien restarts)$(of exit restarts)" = 4444
says "who shares the child has kept it" "^$all\$" of same pid
says "a flood of the same line is cut" '^[0-9]+$' lintel get noisy/count
exits "to 100 in ten seconds" 0 test "$(lines ' noisy: noise')" -le $((100 * (SECONDS / 10 + 2)))

# Killed from outside: how long until there is a value again. The pause grows with each death, so the first one counts.
soon "a value before" '^[0-9]+$' lintel get killed/count
pid=$(of killed pid) stale=0
exec 8< <(exec tail -n 0 -F "$here/watch-killed.log" 2>/dev/null) # ended below, by its id
tail_pid=$!
sleep 0.5
died=$EPOCHREALTIME
kill -9 "$pid"
while read -r -t 10 -u 8 line; do
    case $line in
    *count*stale*) stale=1 ;;
    *count*) [ $stale = 0 ] || break ;;
    esac
done
echo "# from kill -9 to the next value at a client: $(((${EPOCHREALTIME/./} - ${died/./}) / 1000)) ms"
exits "the client sees it stale, then fresh" 0 test $stale = 1
kill $tail_pid
exec 8<&-
says "the log has one line of it" '^1$' lines 'killed: .*signal 9.*it starts again in 0.0'

# A call that never returns, long after its deadline.
end=$((SECONDS + 60))
while [ $SECONDS -lt $end ] && [ "$(lines 'spin: .*it hangs')" = 0 ]; do sleep 0.2; done
says "a call that never returns ends its child" 'spin: the plugin is gone: it hangs: no request was completed' cat "$here/linteld.log"
soon "it is started again" '^[1-9]' of spin restarts

# Memory has a limit in the child.
if ! grep -q fsanitize "$build/Makefile"; then
    prlimit --pid "$(of greedy pid)" --data=67108864
    cp "$here/boxes.yaml" "$site/things/boxes.yaml"
    lintel reload >/dev/null
    soon "a limit of memory is told as such" 'greedy: .*gave up when its memory limit was used up' cat "$here/linteld.log"
fi

# Somebody sees to it: another setting, and a kind that does no wrong.
sed -i -E 's/box-(twice|stranger|alien|exit)/box-counter/' "$site/things/boxes.yaml"
write_site ", delayMs: 1"
exits "a change is taken" 0 lintel reload
for bus in twice shared alien exit; do soon "$bus is tried at once" '^[0-9]+$' lintel get $bus/count; done
says "the one without a change waits on" '^unready .* alarm ' lintel status
for bus in good; do says_not "$bus has not noticed any of it" stale cat "$here/watch-$bus.log"; done
alive "$hub" && ok "the daemon lives"
kill "$hub"
wait "$hub"
exits "it ends well" 0 test $? = 0
finish
