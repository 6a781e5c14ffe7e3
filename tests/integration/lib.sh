# SPDX-License-Identifier: Apache-2.0
# For tests with a whole hub and real clients. A test is a bash script that sources this, calls check .., and ends with
# `finish`. Everything lies in a scratch folder; every process started by `start` is ended, by its id.
set -uo pipefail
source_dir=${LINTEL_SRCDIR:?} build=${LINTEL_BUILDDIR:?}
here=$(mktemp -d "${TMPDIR:-/tmp}/lintel-it-XXXXXX")
chmod 711 "$here" # processes of plugins are somebody else where the hub is root
export LINTEL_RUN=$here/run LINTEL_PLUGIN_PATH=$build/plugins:$build/plugins/fake
unset LINTEL_PLUGIN_MAP COLUMNS
checks=0 failed=0 pids=()

cleanup() {
    local i last=("${!pids[@]}")
    for ((i = ${#last[@]} - 1; i >= 0; i--)); do stop "${pids[last[i]]}"; done
    rm -rf "$here"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

lintel() { "$build/bin/lintel" "$@"; }
coap() { timeout 20 coap-client-notls -B 5 "$@" 2>&1; }

ok() { checks=$((checks + 1)); echo "ok $checks - $1"; }
not_ok() {
    checks=$((checks + 1)) failed=$((failed + 1))
    echo "not ok $checks - $1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | head -30 | sed 's/^/#   /'
}

# says NAME PATTERN COMMAND..: the output (both streams) has the pattern (grep -E).
says() {
    local name=$1 pattern=$2 out
    shift 2
    out=$("$@" 2>&1)
    if grep -qE -- "$pattern" <<<"$out"; then ok "$name"; else not_ok "$name: no /$pattern/ in the output of $*" "$out"; fi
}
# says_not: the reverse.
says_not() {
    local name=$1 pattern=$2 out
    shift 2
    out=$("$@" 2>&1)
    if grep -qE -- "$pattern" <<<"$out"; then not_ok "$name: /$pattern/ in the output of $*" "$out"; else ok "$name"; fi
}
# exits NAME STATUS COMMAND..
exits() {
    local name=$1 want=$2 out status
    shift 2
    out=$("$@" 2>&1)
    status=$?
    if [ $status -eq "$want" ]; then ok "$name"; else not_ok "$name: exit status $status, not $want" "$out"; fi
}
# soon NAME PATTERN COMMAND..: says, tried for up to 40 s: for what a device or a back-off has to do first.
soon() {
    local name=$1 pattern=$2 out="" end=$((SECONDS + 40))
    shift 2
    while [ $SECONDS -lt $end ]; do
        out=$("$@" 2>&1)
        grep -qE -- "$pattern" <<<"$out" && { ok "$name"; return; }
        sleep 0.1
    done
    not_ok "$name: no /$pattern/ in the output of $* within 40 s" "$out"
}

# streams NAME PATTERN COMMAND..: the command, which goes on, comes to say the pattern, as for wait_log.
streams() {
    local name=$1 pattern=$2
    shift 2
    start stream "$@"
    if wait_log stream "$pattern" >"$here/never"; then ok "$name"; else not_ok "$name" "$(cat "$here/never")"; fi
    stop "$pid"
}
# stop PID: of a started one, with its end.
stop() {
    local i
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
    for i in "${!pids[@]}"; do [ "${pids[i]}" != "$1" ] || unset "pids[i]"; done
}

# start NAME COMMAND..: in the background, output in $here/NAME.log; its id is $pid.
start() {
    local name=$1
    shift
    "$@" <&0 >"$here/$name.log" 2>&1 &
    pid=$!
    pids+=("$pid")
}
# wait_log NAME PATTERN: until the log has it, or 40 s are over.
wait_log() {
    local end=$((SECONDS + 40))
    while [ $SECONDS -lt $end ]; do
        grep -qE -- "$2" "$here/$1.log" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "# $1 never said /$2/:"
    sed 's/^/#   /' "$here/$1.log" | tail -30
    return 1
}
# A port to listen at. Not one that a client can be given for its own end (net.ipv4.ip_local_port_range): libcoap's client
# shares ports, and would talk to itself.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo $port; return; }
    done
}
# LINTEL_TEST_ISOLATION=process: the same tests with the transports of their sites in a child. carry SITE puts it there; whoever
# writes a site or starts a daemon by himself calls it.
carry() {
    local file
    [ -n "${LINTEL_TEST_ISOLATION:-}" ] || return 0
    for file in "$@"; do
        file=$file/lintel.yaml
        [ ! -f "$file" ] || /usr/bin/python3 - "$file" "$LINTEL_TEST_ISOLATION" <<'PYTHON'
import re, sys
file, isolation = sys.argv[1:]
out, inside = [], False
for line in open(file).read().split("\n"):
    if re.match(r"\S", line) and not line.startswith("#"):
        inside = line.startswith("transports:")
    if inside and "isolation:" not in line:
        line = re.sub(r"plugin: (coap)\b(?=,| *}| *$)", lambda m: m[0] + (", " if "{" in line else "\n    ") + "isolation: " + isolation, line)
    out.append(line)
text = "\n".join(out)
if text != open(file).read():
    open(file, "w").write(text)
PYTHON
    done
}

# LINTEL_VALGRIND=1: daemons run under valgrind, and finish() wants no error and no leak of it. With
# LINTEL_VALGRIND_CHILDREN=yes their children do too, on a machine that is quick enough for their deadlines.
valgrind=()
[ -z "${LINTEL_VALGRIND:-}" ] || valgrind=(valgrind -q --trace-children="${LINTEL_VALGRIND_CHILDREN:-no}" --leak-check=full --errors-for-leak-kinds=definite
    --show-leak-kinds=definite --num-callers=25 --suppressions="$source_dir/tests/kit/valgrind.supp" --log-file="$here/valgrind.%p")
# start_hub SITE: a daemon, $linteld, on $here/SITE, started by the command in by=(); ready when it returns.
by=() linteld=$build/bin/linteld
start_hub() {
    carry "$1"
    mkdir -p "$here/run" "$here/state"
    start linteld "${by[@]}" "${valgrind[@]}" "$linteld" --site "$1" --run "$here/run" --state "$here/state"
    hub=$pid
    local end=$((SECONDS + 15 + 45 * (${#valgrind[@]} > 0)))
    while [ $SECONDS -lt $end ]; do
        lintel status >/dev/null 2>&1 && return 0
        kill -0 "$hub" 2>/dev/null || break
        sleep 0.05
    done
    echo "# the hub does not start:"
    sed 's/^/#   /' "$here/linteld.log"
    return 1
}
# What `lintel status` says of a bus's plugin, as Python: of BUS KEY, e.g. of line-1 pid.
of() {
    lintel --json status 2>/dev/null | python3 -c '
import json, sys
bus, key = sys.argv[1:]
status = json.load(sys.stdin)
rows = [b for b in status["buses"] if b["name"] == bus] + [i for i in status["daemon"]["instances"] if i["bus"] == bus]
print(next(r[key] for r in rows if key in r))' "$@"
}
alive() { kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }
# murder PID: a process of the hub's, at once. Not 0, which is what the hub says of one that does not live, and we are.
murder() { [[ $1 =~ ^[1-9][0-9]+$ ]] && kill -9 "$1" || not_ok "there is a process to kill, not \"$1\""; }
# boxes SITE: a model that the fakes can do anything with, and a binding for each way to behave: box-counter ..
boxes() {
    local kind
    mkdir -p "$1"/{models,bindings,things}
    cat >"$1/models/box.sdf.yaml" <<'FILE'
info: { title: "Box", version: "1.0.0", license: CC0-1.0 }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
sdfObject:
  Box:
    sdfProperty:
      count: { type: integer, writable: false }
      level: { type: number, unit: "%", minimum: 0, maximum: 100 }
    sdfEvent:
      tick: { sdfOutputData: { type: integer } }
FILE
    for kind in counter error lost timeout stall hang late twice stranger nan crash flood refused alien exit spin greedy noisy; do
        cat >"$1/bindings/box-$kind.sdf-supplement.yaml" <<FILE
info: { title: "A box that does $kind", version: "1.0.0" }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
amend:
  - "#/sdfObject/Box/sdfProperty/count":
      sdfProtocolMap: { fake: { kind: $kind, poll: 0.2 }, fake-blocking: { kind: $kind, poll: 0.2 } }
  - "#/sdfObject/Box/sdfProperty/level":
      sdfProtocolMap: { fake: { kind: stored, poll: 0.2 }, fake-blocking: { kind: stored, poll: 0.2 } }
  - "#/sdfObject/Box/sdfEvent/tick":
      sdfProtocolMap: { fake: { kind: event } }
FILE
    done
}
# box SITE BUS [KIND [DEVICE-SETTINGS]]: a thing named like its bus.
box() {
    echo "- { thingId: $2, sdfInstanceOf: { model: box-${3:-counter} }, sdfContext: { bus: $2${4:+, $4} } }" \
        >>"$1/things/boxes.yaml"
}
finish() {
    local found
    found=$(cat "$here"/*.log 2>/dev/null | grep -A8 -E 'ERROR: [A-Za-z]*Sanitizer|runtime error:|WARNING: ThreadSanitizer')
    [ -z "$found" ] || not_ok "no sanitizer complains" "$found"
    if [ ${#valgrind[@]} -gt 0 ]; then
        while [ ${#pids[@]} -gt 0 ]; do stop "${pids[-1]}"; done # they tell of leaks at their end
        compgen -G "$here/valgrind.*" >/dev/null || not_ok "something ran under valgrind"
        found=$(cat "$here"/valgrind.* 2>/dev/null)
        [ -z "$found" ] || not_ok "valgrind does not complain" "$found"
    fi
    echo "1..$checks"
    [ $checks -gt 0 ] && [ $failed -eq 0 ]
    exit
}
