#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lintel plugin reload: new code for buses that run, under load. Every request is answered, no observation ends, lines
# are opened again, and what runs afterwards is what lies on the disk.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site own=$here/plugins port=$(free_port)
base=coap://127.0.0.1:$port
# coap-client shares ports (SO_REUSEADDR): two that the system gives the same one get each other's answers. So each that runs
# at the same time as others has an address of its own: 127.0.1.* the observers, 127.0.2.* those that ask.
seconds=300 # longer than the test, on the slowest machine
observers=0
observe() { # NAME [OPTION..] URI
    local name=$1
    shift
    observers=$((observers + 1))
    start "$name" coap-client-notls -a "127.0.1.$observers" -w -B $seconds -s $seconds "$@"
}
boxes "$site"
mkdir -p "$own"
for name in fake fake-blocking; do install -m 755 "$build/plugins/fake/$name.so" "$own"; done
export LINTEL_PLUGIN_PATH=$own:$build/plugins
version() { # FILE OPTIONS..: a version of the plugin `steady`
    local file=$1
    shift
    "${CC:-cc}" -shared -fPIC -I"$source_dir/core/include" "$@" -o "$file" "$source_dir/tests/integration/steady.c"
}
version "$here/1.0.so" '-DVERSION="1.0"' && version "$here/1.1.so" '-DVERSION="1.1"' &&
    version "$here/2.0.so" '-DVERSION="2.0"' -DMORE && version "$here/bad.so" '-DVERSION="3.0"' -DMORE -DREFUSES ||
    { echo "1..0 # SKIP no C compiler"; exit 77; }
# take VERSION: as an installer does it: a file of its own, then its name.
take() { cp "$here/$1.so" "$own/steady.so.new" && mv "$own/steady.so.new" "$own/steady.so"; }
take 1.0

mkfifo "$here/alive"
exec 9<>"$here/alive"
start sim "$build/tests/sim/modbus_sim" --tcp 0 --unit 1 holding:0=u16:1000 holding:10=u16:1010 \
    --pty - --unit 1 holding:0=u16:2000 holding:10=u16:2010 <"$here/alive"
wait_log sim '^ready pty' || { not_ok "the simulator starts"; finish; }
tcp=$(sed -n 's/^ready tcp //p' "$here/sim.log") pty=$(sed -n 's/^ready pty //p' "$here/sim.log")
cat >"$site/lintel.yaml" <<FILE
hub: { name: swap }
buses:
  thread: { plugin: fake, isolation: thread }
  own: { plugin: fake, isolation: process }
  alone: { plugin: fake-blocking, delayMs: 5 }
  one: { plugin: fake, isolation: "process:both" }
  two: { plugin: fake-blocking, isolation: "process:both" }
  tcp: { plugin: modbus, transport: tcp, host: 127.0.0.1, port: $tcp }
  line: { plugin: modbus, transport: rtu, device: $pty, baud: 115200 }
  steady: { plugin: steady, isolation: thread }
  caged: { plugin: steady, isolation: process }
transports:
  coap: { plugin: coap, listen: ["$base"] }
FILE
cat >"$site/models/dial.sdf.yaml" <<'FILE'
info: { title: "Dial", version: "1.0.0", license: CC0-1.0 }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
sdfObject:
  Dial:
    sdfProperty:
      first: { type: number, writable: false }
      level: { type: integer, minimum: 0, maximum: 60000 }
FILE
# binding NAME MAP-OF-FIRST: of dials
binding() {
    cat >"$site/bindings/$1.sdf-supplement.yaml" <<FILE
info: { title: "$1", version: "1.0.0" }
namespace: { dial: "https://example.com/models/dial" }
defaultNamespace: dial
amend:
  - "#/sdfObject/Dial/sdfProperty/first": { sdfProtocolMap: { $2 } }
FILE
}
binding steady-dial "steady: { base: 10, poll: 0.2 }"
binding modbus-dial "modbus: { address: 0, type: u16, poll: 0.1, stale: 10 }"
echo '  - "#/sdfObject/Dial/sdfProperty/level": { sdfProtocolMap: { modbus: { address: 10, type: u16, poll: 0.1, stale: 10 } } }' \
    >>"$site/bindings/modbus-dial.sdf-supplement.yaml"
sed -i 's/poll: 0.2/poll: 0.05, stale: 10/g' "$site/bindings/box-counter.sdf-supplement.yaml"
fakes=(thread own alone one two)
for bus in "${fakes[@]}"; do box "$site" $bus; done
for bus in tcp line; do
    echo "- { thingId: $bus, sdfInstanceOf: { model: modbus-dial }, sdfContext: { bus: $bus, unit: 1 } }"
done >>"$site/things/boxes.yaml"
for bus in steady caged; do
    echo "- { thingId: $bus, sdfInstanceOf: { model: steady-dial }, sdfContext: { bus: $bus } }"
done >>"$site/things/boxes.yaml"
exits "the site is good" 0 lintel check "$site"
start_hub "$site" || { not_ok "the hub starts"; finish; }
for bus in "${fakes[@]}"; do soon "$bus speaks" '^[0-9]+$' lintel get $bus/count; done
for bus in tcp line; do soon "$bus speaks" '^[0-9]+' lintel get $bus/first; done
for bus in steady caged; do soon "$bus says version 1.0" '^11$' lintel get $bus/first; done

# ---- under load: twenty observers, and requests that never stop --------------------------------------------------------
for i in 1 2 3; do
    for bus in "${fakes[@]}"; do
        observe "see-$bus-$i" "$base/d/$bus/Box/p/count"
    done
done
for bus in tcp line; do observe "see-$bus-1" "$base/d/$bus/Dial/p/level"; done
observe see-pack -A 110 "$base/d/thread/s"
observe see-event "$base/d/own/Box/e/tick"
start see-watch "$build/bin/lintel" watch one
watchers=(see-{thread,own,alone,one,two}-{1,2,3} see-tcp-1 see-line-1 see-pack see-event see-watch)
for w in "${watchers[@]}"; do wait_log "$w" '[0-9]' || not_ok "$w sees something"; done
# asks NAME COMMAND..: again and again; a line for each answer: "ok", or what else came.
asks() {
    local name=$1 out
    shift
    while [ ! -e "$here/enough" ]; do
        out=$("$@" 2>&1) && echo ok || echo "failed: $out"
    done >"$here/ask-$name.log"
}
got() { # FROM URI: a value, or 5.03
    local out
    out=$(timeout 20 coap-client-notls -a "127.0.2.$1" -B 15 "$base/$2" 2>&1)
    [[ $out =~ ^[0-9.]+$ || $out == 5.03* ]] || { echo "$2: $out"; return 1; }
}
put() { # FROM URI: 2.04, or 5.03
    local out
    out=$(timeout 20 coap-client-notls -a "127.0.2.$1" -B 15 -v 7 -m put -e $((RANDOM % 90)) "$base/$2" 2>&1)
    grep -qE '(c:|, )(2\.04|5\.03)' <<<"$out" || { echo "$2: $out"; return 1; }
}
set_it() { # NAME: written, or refused with the reason that it is being exchanged
    local out
    out=$(lintel set "$1" $((RANDOM % 90)) 2>&1) && return
    [[ $out == *again* || $out == *cancelled* ]] || { echo "$1: $out"; return 1; }
}
get_it() {
    local out
    out=$(lintel get "$1" 2>&1) && [[ $out =~ ^[0-9.]+ ]] || { echo "$1: $out"; return 1; }
}
loops=()
asks get-thread got 1 d/thread/Box/p/count & loops+=($!)
asks get-one got 2 d/one/Box/p/count & loops+=($!)
asks put-own put 3 d/own/Box/p/level & loops+=($!)
asks put-alone put 4 d/alone/Box/p/level & loops+=($!)
asks put-tcp put 5 d/tcp/Dial/p/level & loops+=($!)
asks set-two set_it two/level & loops+=($!)
asks set-line set_it line/level & loops+=($!)
asks get-line get_it line/first & loops+=($!)
pids+=("${loops[@]}")

pid_of_line=$(of line pid)
for turn in 1 2 3 4 5 6 7 8 9 10; do
    for bus in thread own alone one tcp line; do
        lintel plugin reload $bus >>"$here/reload.log" 2>&1 || echo "FAILED $bus, turn $turn" >>"$here/reload.log"
    done
done
says_not "sixty reloads" 'FAILED|lintel:' cat "$here/reload.log"
exits "each was told" 0 test "$(grep -cE ', in [0-9.]+ s$' "$here/reload.log")" = 60
says "a shared child takes its other bus along" '^two: fake-blocking 1.0 -> 1.0 \(in the same process\)$' cat "$here/reload.log"
says_not "the line has a new process" "^$pid_of_line\$" of line pid
touch "$here/enough"
wait "${loops[@]}"
says_not "every request was answered" 'failed' grep -h -A 12 failed "$here"/ask-*.log
for log in "$here"/ask-*.log; do
    exits "${log##*/} asked more than 20 times ($(wc -l <"$log"))" 0 test "$(wc -l <"$log")" -gt 20
done
for w in "${watchers[@]}"; do
    n=$(wc -c <"$here/$w.log")
    case $w in
        see-tcp* | see-line*) lintel set "${w:4:${#w}-6}/level" $((100 + RANDOM % 1000)) >/dev/null 2>&1 ;;
    esac
    soon "$w goes on" more bash -c "[ \$(wc -c <'$here/$w.log') -gt $n ] && echo more"
done
says_not "and none was told of an error" . grep -hE '^[45]\.[0-9][0-9] |removed|stale' "$here"/see-*.log
says_not "nothing was done twice, nothing was left open" 'MISBEHAVING|left behind|killed' cat "$here/linteld.log"
says "serial lines and sockets were opened again" '^[0-9]+' lintel get line/first
for bus in "${fakes[@]}" tcp line; do says "$bus runs" '^up$' of $bus state; done

# ---- another version: what lies on the disk is what runs ---------------------------------------------------------------
observe watch-steady "$base/d/steady/Dial/p/first"
observe watch-caged "$base/d/caged/Dial/p/first"
wait_log watch-steady '11' && wait_log watch-caged '11' || not_ok "both are watched"
take 1.1
soon "status says that the file has changed" "file has changed; 'lintel plugin reload steady'" env COLUMNS=200 "$build/bin/lintel" status
says "but nothing reloads by itself" '^1\.0$' of steady version
says "and a reload of the site takes no code in" '0 added, 0 changed, 0 removed' lintel reload
says "the same after that" '^1\.0$' of steady version
says "version 1.1 is taken in, in a thread" '^steady: steady 1\.0 -> 1\.1, in [0-9.]+ s' lintel plugin reload steady
says "and told that another bus runs the old one" '^1\.1$' of steady version
says "which it does" '^1\.0$' of caged version
soon "its values are those of the new code" '^11\.1$' lintel get steady/first
says "and in a child" '^caged: steady 1\.0 -> 1\.1, in [0-9.]+ s' lintel plugin reload caged
soon "with the same values" '^11\.1$' lintel get caged/first
says_not "no other file lies there now" true of steady fileChanged

# One that says no: the old one does not notice.
take bad
exits "a version that refuses is refused" 1 lintel plugin reload caged
says "with its reason" 'this version is not ready yet; nothing was changed' lintel plugin reload caged
says "and the old one runs on" '^1\.1$' of caged version
says "in a thread, too" 'this version is not ready yet; nothing was changed' lintel plugin reload steady
says "with its values" '^11\.1$' lintel get steady/first
echo nonsense >"$own/steady.so.new" && mv "$own/steady.so.new" "$own/steady.so"
says "a file that is no plugin is refused" 'steady.so is not a shared object' lintel plugin reload steady

# One with more settings and keys: the site is read again, the bus' own part of it is taken in, and nobody is told of an error.
take 2.0
binding steady-dial "steady: { base: 10, times: 2, poll: 0.2 }"
echo '- { thingId: late, sdfInstanceOf: { model: box-counter }, sdfContext: { bus: thread } }' >"$site/things/late.yaml"
says "a version with other keys" '^steady: steady 1\.1 -> 2\.0, in' lintel plugin reload steady
soon "reads the new keys" '^24$' lintel get steady/first
says "what else has changed in the files waits for a reload" 'no thing' lintel get late
says "the bus in the child still runs the old code" '^1\.1$' of caged version
says "and its values" '^11\.1$' lintel get caged/first
says "a reload takes the rest in" '1 added' lintel reload
soon "the rest is there" '^[0-9]+$' lintel get late/count
soon "also the bus whose settings could not be read by the old code" '^2\.0$' of caged version
wait_log watch-steady '24' && ok "its observer has lived through all of it" || not_ok "its observer has lived through all of it"
says_not "without an error" '^[45]\.[0-9][0-9]' cat "$here/watch-steady.log"

# One that was written over: it can't be opened beside itself.
touch -d '2001-01-01' "$own/steady.so"
says "a file that was written over is refused" 'was written over in place .* mv ' lintel plugin reload steady
take 1.1
binding steady-dial "steady: { base: 10, poll: 0.2 }"
says "one put beside it is not" '^steady: steady 2\.0 -> 1\.1' lintel plugin reload steady
says "a transport is no bus" 'coap is a transport' lintel plugin reload coap
says "nor is anything else" 'no bus "nothing"' lintel plugin reload nothing
exits "wrong usage" 2 lintel plugin reload
finish
