#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The author's kit, as an author has it: an installed Lintel, no source tree. For each kind of wire a plugin is made, built,
# tested and run by a hub, which shows its value.
. "$(dirname "$0")/lib.sh"
unset -f lintel # here it is the installed one
inst=$here/inst
# The tree is built; this only copies. With a prefix of its own, so that nothing here comes from the build.
env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$build" install prefix="$inst" >"$here/install.out" 2>&1 ||
    { cat "$here/install.out"; not_ok "make install"; finish; }
unset LINTEL_PLUGIN_PATH
export PATH=$inst/bin:$inst/sbin:$PATH PKG_CONFIG_PATH=$inst/lib/pkgconfig
# Where the .pc files lie says where the rest is.
tool=(PKG_CONFIG="pkg-config --define-prefix")
sanitized=$(grep '^LINTEL_SANITIZE = .*-fsanitize' "$build/Makefile" | sed 's/.*\(-fsanitize=[a-z,]*\).*/\1/')
[ -z "$sanitized" ] || tool+=(CFLAGS="-g -O1 -Wall -Wextra -Werror $sanitized" LDFLAGS="$sanitized")
[ -n "$sanitized" ] || tool+=(CFLAGS="-g -O2 -Wall -Wextra -Werror")

cd "$here" || exit 1
exits "a name must be one" 2 lintel-new-plugin Acme
exits "a name must not be a path" 2 lintel-new-plugin ../acme
exits "a name is not too long" 2 lintel-new-plugin a23456789012345678901234567890123
exits "names of the hub's are refused" 2 lintel-new-plugin lintel-x
exits "there is no such transport" 2 lintel-new-plugin acme --transport pigeon
mkdir taken
says "what is there is not overwritten" 'not overwritten' lintel-new-plugin taken
says_not "nothing was made of all that" 'acme|new' ls

# one TRANSPORT: what its author sees, in a file of its own.
one() {
    local name=my-$1 dir=$here/my-$1 flags=("${tool[@]}")
    # A sanitizer's runtime lives in the program, so -z defs can't be asked for.
    [ -z "$sanitized" ] || flags+=(DEFS=)
    make -s -C "$dir" "${flags[@]}" check
}
for transport in tcp udp serial; do
    exits "$transport: made" 0 lintel-new-plugin "my-$transport" --transport "$transport" --dir "$here"
    (one "$transport" >"$here/make-$transport.out" 2>&1; echo $? >"$here/make-$transport.status") &
done
wait
for transport in tcp udp serial; do
    out=$here/make-$transport.out
    if [ "$(cat "$here/make-$transport.status")" = 0 ]; then ok "$transport: builds and passes its tests"; else
        not_ok "$transport: builds and passes its tests" "$(grep -vE '^ok ' "$out" | tail -30)"; continue
    fi
    says "$transport: own tests ran" '^ok 5 - takes no late answer' cat "$out"
    says "$transport: the conformance suite had a device" '^ok [0-9]* - requests: a value is read from the device$' cat "$out"
    says "$transport: and a silent peer" '^ok [0-9]* - time: a silent peer costs no more than the deadline$' cat "$out"
    says_not "$transport: nothing failed" '^not ok' cat "$out"
    says "$transport: README says what it is" '^# my-'"$transport"'$' cat "my-$transport/README.md"
    # make run, as far as a person would wait.
    export PORT
    PORT=$(free_port)
    start "run-$transport" env PATH="$PATH" sh "my-$transport/run.sh"
    LINTEL_RUN=$here/my-$transport/run/run
    soon "$transport: a hub shows the value" '21\.5 Cel' "$inst/bin/lintel" --run "$LINTEL_RUN" get device-1/temperature
    says "$transport: in a process of its own" 'process' "$inst/bin/lintel" --json --run "$LINTEL_RUN" status
    says "$transport: its wire is recorded" '[1-9][0-9]* messages' "$inst/bin/lintel" --run "$LINTEL_RUN" record desk "my-$transport.pcapng" --seconds 3
    stop "$pid"
    says "$transport: and played back without the device" '^ *device-1/temperature = 21\.5 Cel' env LINTEL_PLUGIN_PATH="my-$transport" \
        "$inst/bin/lintel" replay "my-$transport.pcapng" "my-$transport/site"
done
exits "make install puts it into the plugins" 0 make -s -C my-tcp PKG_CONFIG="pkg-config --define-prefix" \
    CFLAGS="-O1 $sanitized" LDFLAGS="$sanitized" install
says "where the hub finds it" '^my-tcp ' lintel plugin list
finish
