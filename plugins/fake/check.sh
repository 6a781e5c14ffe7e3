#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite on the plugins of the hub's own tests; and on wrong ones, each of which has one fault
# and must fail the one check that looks for it. A check that no wrong plugin fails is no check.
build=${LINTEL_BUILDDIR:?}
check=$build/bin/lintel-plugin-check
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0
sanitized=$(grep '^LINTEL_SANITIZE = .*-fsanitize' "$build/Makefile")

good() {
    "$check" "$@" >"$scratch/out" 2>"$scratch/err" && return
    echo "$* fails:"
    cat "$scratch/out" "$scratch/err"
    failed=1
}
# bad NAME TITLE: fails the check with this title, and no other.
bad() {
    case $1 in
        faulty-novalue) set -- "$1" "$2" --set label=x ;;
        *) set -- "$1" "$2" --set label=x --set 'port={port}' ;;
    esac
    name=$1 title=$2
    shift 2
    "$check" "$build/plugins/fake/$name.so" "$@" >"$scratch/out" 2>"$scratch/err"
    status=$?
    found=$(sed -n 's/^not ok [0-9]* - //p' "$scratch/out")
    case $found in
        "$title"*) [ "$(echo "$found" | wc -l)" -eq 1 ] && [ $status -ne 0 ] && return ;;
    esac
    # A sanitizer looks for leaks in every process.
    [ -n "$sanitized" ] && echo "$found" | grep -qF "$title" && return
    if grep -q "^ok .* - $title.*# SKIP.*sanitizer" "$scratch/out" && [ -z "$found" ]; then
        return # malloc() and constructors are the sanitizer's
    fi
    # The thread sanitizer has malloc(), and no eye for leaks.
    [ "$name" = faulty-leak ] && [ "${sanitized#*thread}" != "$sanitized" ] && return
    echo "$name should fail \"$title\" alone; it fails: ${found:-nothing} (status $status)"
    grep -A3 '^not ok' "$scratch/out"
    tail -5 "$scratch/err"
    failed=1
}

good "$build/plugins/fake/fake.so" --address kind=counter
good "$build/plugins/fake/fake-blocking.so" --address kind=counter
good "$build/plugins/fake/faulty-none.so" --set 'port={port}'

running=0
while read -r name title; do
    [ -n "$name" ] || continue
    # Some at a time: they mostly wait.
    ( failed=0; scratch=$scratch/$name; mkdir "$scratch"; bad "faulty-$name" "$title"; exit $failed ) &
    pids="$pids $!"
    running=$((running + 1))
    if [ $running -eq 8 ]; then
        for pid in $pids; do wait "$pid" || failed=1; done
        pids= running=0
    fi
done <<'FAULTS'
entry the hub takes the file
export file: the entry
symbol file: all that it uses
execstack file: nothing is writable
constructor file: no code runs
required the hub takes the file
optional settings: each optional
createio life: create() does no I/O
createcall life: create() does no I/O
leak life: create() and destroy()
fdleak life: start() and stop()
threadleak life: start() and stop()
lost requests: 1, 500 and 0
twice requests: 1, 500 and 0
stranger requests: 1, 500 and 0
nan requests: 1, 500 and 0
stack requests: 1, 500 and 0
never requests: 1, 500 and 0
duplicate requests: three points
novalue requests: a value
write requests: write()
exit requests: write()
late time: a silent peer
cut time: a peer that closes
cancel time: a cancelled request
stop time: stop() ends
after calls: none
timer calls: none
loop calls: publish() from any
publish calls: publish() and device()
log calls: log lines
cloexec traces: every descriptor
signal traces: signals
locale traces: signals
folder traces: signals
umask traces: signals
environment traces: signals
secret traces: secrets
malloc memory: each allocation
mallocleak memory: each allocation
FAULTS
for pid in $pids; do wait "$pid" || failed=1; done
[ $failed -eq 0 ] && echo "each fault is found by its check"
exit $failed
