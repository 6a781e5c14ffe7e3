#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plugin that did not come with the hub never runs a line of code inside of linteld or lintel, unless the site says thread:
# its constructor is harmless in a cage, and leaves a mark anywhere else.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site mark=$here/mark
export LINTEL_AMBUSH=$mark # caged processes do not have it
mkdir -m 755 "$here/foreign"
install -m 755 "$build"/plugins/fake/ambush/*.so "$build/plugins/fake/traps/trap-liar.so" "$here/foreign/"
export LINTEL_PLUGIN_PATH=$here/foreign
boxes "$site"
write_site() { # ISOLATION
    cat >"$site/lintel.yaml" <<FILE
hub: { name: told }
buses:
  b: { plugin: fake$1 }
  c: { plugin: fake$1 }
transports:
  t: { plugin: fake-transport$1 }
FILE
}
write_site ""
for bus in b c; do box "$site" $bus; done
transport() { # NAME KEY
    lintel --json status | python3 -c '
import json, sys
print(next(t for t in json.load(sys.stdin)["daemon"]["transports"] if t["transport"] == sys.argv[1])[sys.argv[2]])' "$@"
}
unmarked() { if [ ! -e "$mark" ]; then ok "$1"; else not_ok "$1" "$(sort "$mark" | uniq -c)"; fi; }
unmapped() { if grep -q "$here/foreign" "/proc/$hub/maps"; then not_ok "$1" "$(grep "$here/foreign" "/proc/$hub/maps")"; else ok "$1"; fi; }

exits "the check of a site" 0 lintel check "$site"
says "reads the plugin's rows" 'error: .*"delay"' bash -c "sed 's/plugin: fake }/plugin: fake, delay: 1 }/' '$site/lintel.yaml' >'$site/x' && mkdir -p '$here/wrong' && cp -r '$site/.' '$here/wrong' && mv '$here/wrong/x' '$here/wrong/lintel.yaml' && rm '$site/x' && '$build/bin/lintel' check '$here/wrong'"
cp -r "$site" "$here/tested"
cat >>"$here/tested/bindings/box-counter.sdf-supplement.yaml" <<'FILE'
"lintel:tests":
  - given:  { fake: { 1: "01" } }
    expect: { "Box/count": 1 }
FILE
says "tests that need the code are told as not done" 'warning: not tested: the plugin "fake": it did not come with the hub' lintel check "$here/tested"
says "the list of plugins" '^fake +1\.0 ' lintel plugin list
says "one plugin" 'delayMs' lintel plugin inspect fake
says "the schema has its rows" delayMs lintel schema lintel.yaml
says "try without a hub" '[0-9]' lintel try b kind=counter --site "$site"
says "the path of search may begin where one stands" '[0-9]' bash -c "cd '$here' && LINTEL_PLUGIN_PATH=foreign:$build/plugins '$build/bin/lintel' try b kind=counter --site '$site'"
unmarked "none of these opens the file"

start_hub "$site" || { not_ok "the hub starts"; finish; }
for bus in b c; do soon "$bus has values" '^[0-9]+$' lintel get $bus/count; done
says "in a process" '^process$' of b isolation
soon "a transport too" 'process' transport t isolation
exits "writes" 0 lintel set b/level 42
soon "arrive" '^42 %$' lintel get b/level
says "try, at the hub" '[0-9]' lintel try b kind=counter
child=$(of b pid)
murder "$child"
soon "a child that has died is started again" '^1$' of b restarts
soon "with values" '^[0-9]+$' lintel get b/count
sed -i 's/thingId: c,/thingId: d,/' "$site/things/boxes.yaml"
exits "a reload" 0 lintel reload
soon "is taken in" '^[0-9]+$' lintel get d/count
for n in 1 2 3; do # their inodes may have been those of files before
    install -m 755 "$build/plugins/fake/ambush/fake.so" "$here/foreign/new" && mv "$here/foreign/new" "$here/foreign/fake.so"
    says "a new file of the plugin, $n" 'fake 1\.0 -> 1\.0' lintel plugin reload b
    soon "runs" '^[0-9]+$' lintel get b/count
done
touch "$here/foreign/fake.so"
says "one that was written over is refused" 'was written over in place' lintel plugin reload b
soon "and the old one runs on" '^[0-9]+$' lintel get b/count
unmarked "the hub never opened the file"
unmapped "and has not mapped it"

# The mark works: where the site says so, the code does run in the hub.
install -m 755 "$build/plugins/fake/ambush/fake.so" "$here/foreign/new" && mv "$here/foreign/new" "$here/foreign/fake.so"
exits "the new file is taken in" 0 lintel plugin reload b
exits "by the other bus too" 0 lintel plugin reload c
unmarked "still not here"
write_site ", isolation: thread"
exits "the site wants it inside of the hub" 0 lintel reload
soon "it runs" '^[0-9]+$' lintel get b/count
says "in a thread" '^thread$' of b isolation
says "and there its code did run" '^linteld$' cat "$mark"
says "a new file is opened there as well" 'fake 1\.0 -> 1\.0' bash -c "install -m 755 '$build/plugins/fake/ambush/fake.so' '$here/foreign/new' && mv '$here/foreign/new' '$here/foreign/fake.so' && '$build/bin/lintel' plugin reload b"
soon "and runs" '^[0-9]+$' lintel get b/count

# Who says something else inside than outside does not run inside.
sed -i 's/  c: .*/&\n  liar: { plugin: trap-liar, isolation: thread }/' "$site/lintel.yaml"
says "a plugin with two tongues is refused" 'lintel.yaml:5:19: .*says something else of the plugin trap-liar than it said when it was tried' lintel reload
soon "and the others run on" '^[0-9]+$' lintel get b/count
stop "$hub"
says_not "tests of bindings run the code where it is trusted" 'did not come with' lintel check "$here/tested" --run-plugins
exits "wrong usage" 2 lintel check --run-plugin
finish
