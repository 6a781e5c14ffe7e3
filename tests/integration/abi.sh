#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plugins that are built with old headers, in the present hub: tests/abi/README.md.
. "$(dirname "$0")/lib.sh"
abi=$source_dir/tests/abi
mkdir "$here/plugins"
export LINTEL_PLUGIN_PATH=$here/plugins:$build/plugins

for version in "$abi"/[0-9]*; do
    name=$(basename "$version")
    says "$name: its files are as they were" '^0 differ' sh -c "cd '$version' &&
        echo \$(sha256sum -c SHA256SUMS 2>/dev/null | grep -vc ': OK\$') differ"
    says "$name: all of them have a sum" '^0 without' sh -c "cd '$version' && find . -name '*.[ch]' |
        while read -r f; do grep -qF \" \$f\" SHA256SUMS || echo \$f; done | wc -l | sed 's/\$/ without/'"
    for source in "$version"/*.c; do
        plugin=$(basename "$source" .c)
        flags=(-std=c11 -D_GNU_SOURCE -I"$version" -O2 -Wall -Wextra -Werror)
        # The compiler's word on which headers it read: not the present ones.
        says "$plugin: built with the header of $name" "^[^ ]*tests/abi/$name/lintel/plugin.h\$" \
            sh -c "${CC:-cc} ${flags[*]} -M '$source' | tr ' ' '\n' | grep '/lintel/plugin.h'"
        says_not "$plugin: and with no other" 'core/include' ${CC:-cc} "${flags[@]}" -M "$source"
        exits "$plugin: builds" 0 ${CC:-cc} "${flags[@]}" -shared -fPIC -fvisibility=hidden -Wl,-z,defs \
            -o "$here/plugins/$plugin.so" "$source"
        says "$plugin: says ABI $name" "\"abi\": \"$name\"" lintel --json plugin inspect "$here/plugins/$plugin.so"
    done
done

port=$(free_port)
boxes "$here/site"
for bus in pull push; do
    cat >"$here/site/bindings/old-$bus.sdf-supplement.yaml" <<FILE
info: { title: "An old box", version: "1.0.0" }
namespace: { box: "https://example.com/models/box" }
defaultNamespace: box
amend:
  - "#/sdfObject/Box/sdfProperty/count":
      sdfProtocolMap: { old-blocking: { address: 6, poll: 0.2 }, old-push: {} }
$([ $bus = push ] || echo '  - "#/sdfObject/Box/sdfProperty/level":
      sdfProtocolMap: { old-blocking: { address: 9, poll: 0.2 } }')
FILE
done
cat >"$here/site/lintel.yaml" <<FILE
hub: { name: old }
buses:
  blocking-thread:  { plugin: old-blocking, isolation: thread }
  blocking-process: { plugin: old-blocking, isolation: process }
  push-thread:      { plugin: old-push, isolation: thread }
  push-process:     { plugin: old-push, isolation: process }
transports:
  asker: { plugin: old-transport, thing: pull-process, log: debug }
  owner: { plugin: old-resources }
  coap:  { plugin: coap, listen: ["coap://127.0.0.1:$port"] }
FILE
cat >"$here/site/things/old.yaml" <<FILE
- { thingId: pull-thread,  sdfInstanceOf: { model: old-pull }, sdfContext: { bus: blocking-thread, unit: 7 } }
- { thingId: pull-process, sdfInstanceOf: { model: old-pull }, sdfContext: { bus: blocking-process, unit: 7 } }
- { thingId: push-thread,  sdfInstanceOf: { model: old-push }, sdfContext: { bus: push-thread } }
- { thingId: push-process, sdfInstanceOf: { model: old-push }, sdfContext: { bus: push-process } }
FILE
start_hub "$here/site" || finish
for where in thread process; do
    soon "old-blocking in a $where: reads" '^42$' lintel get "pull-$where/count"
    exits "old-blocking in a $where: writes" 0 lintel set "pull-$where/level" 33
    soon "old-blocking in a $where: what was written is read" '^33' lintel get "pull-$where/level"
    soon "old-push in a $where: its values come" '^1[0-9][0-9]$' lintel get "push-$where/count"
done
soon "old-transport: gets the value" 'old transport got 2\.05 .*42' cat "$here/linteld.log"
says "old-resources: its resource" 'older than you' coap -m get "coap://127.0.0.1:$port/old"
says "old-resources: its links" '</old>;rt=' coap -m get "coap://127.0.0.1:$port/.well-known/core?rt=old"
stop "$hub"
says_not "nothing misbehaved" 'MISBEHAVING' cat "$here/linteld.log"
finish
