#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files that are no plugins of this hub are refused, with the reason and what to do about it; good ones are found.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site own=$here/plugins
mkdir -p "$site" "$own" "$here/state"
chmod 755 "$own"
cp "$build"/plugins/fake/wrong-*.so "$own"
export LINTEL_PLUGIN_PATH=$own
# site_with PLUGIN..: a bus for each.
site_with() {
    echo "hub: { name: plugins }"
    echo "buses:"
    local n=1 plugin
    for plugin; do echo "  bus-$((n++)): { plugin: $plugin }"; done
} >"$site/lintel.yaml"
linteld() { timeout 10 "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"; }
# refused NAME PLUGIN PATTERN: by the check and by the daemon, at the word in the site's file, and by inspect.
refused() {
    site_with "$2"
    says "$1" "lintel.yaml:3:20: error: plugin \"$2\" is refused: .*$3" lintel check "$site"
    says "$1: the daemon does not start" "error site: $site/lintel.yaml:3:20: .*$3" linteld
    says "$1: inspect says the same" "$3" lintel plugin inspect "$2"
}

refused "the wrong ABI" wrong-major 'wrong-major.so: it was built for plugin ABI 2\.[0-9]+, this hub has 1\.[0-9]+: build it again'
refused "an ABI that is newer" wrong-minor 'plugin ABI 1\.99.*newer hub'
refused "the wrong magic number" wrong-magic 'magic number 0x12345678'
refused "a library without an entry" wrong-entry 'exports no lintel_plugin_entry'
refused "a table that is too small" wrong-size 'table has 16 bytes'
refused "a setting with a bad default" wrong-table 'field "speed": its default does not parse'
refused "a name that can't be" wrong-name '"Wrong_Name"'
says "the daemon's status says it" 1 bash -c '"$1" --site "$2" --run "$3" --state "$4" >/dev/null 2>&1; echo $?' - "$build/bin/linteld" "$site" "$here/run" "$here/state"

echo "no plugin at all" >"$own/text.so"
refused "a text" text 'not a shared object'
: >"$own/empty.so"
refused "nothing" empty 'not a shared object'
cp "$build/plugins/fake/fake.so" "$own/half.so"
truncate -s 3000 "$own/half.so"
refused "a plugin that was not copied whole" half 'half.so is cut off'
cp "$build/bin/lintel-host" "$own/program.so"
refused "a program" program 'program.so'
mkfifo "$own/pipe.so"
refused "a pipe" pipe 'is not a file'
mkdir "$own/folder.so"
site_with folder
says "a folder" 'no plugin "folder": there is no folder.so in' lintel check "$site"
site_with ../plugins/file
says "a path" 'no plugin "../plugins/file"' lintel check "$site"
site_with wrong-majr
says "a name that nobody has gets the nearest" 'did you mean "wrong-major"' lintel check "$site"

# Code that others may change.
cp "$build/plugins/fake/fake.so" "$own/fake.so"
chmod 755 "$own/fake.so"
site_with fake
exits "a good one" 0 lintel check "$site"
chmod 775 "$own/fake.so"
refused "one that its group may write to" fake "may be written to by others \\(mode 0775\\): chmod go-w $own/fake.so"
chmod 757 "$own/fake.so"
refused "one that everybody may write to" fake 'mode 0757.*chmod go-w'
chmod 755 "$own/fake.so"
chmod 777 "$own"
refused "a folder that everybody may write to" fake "folder $own may be written to by others .mode 0777.: chmod go-w $own"
chmod 755 "$own"
mkdir "$here/open"
cp "$own/fake.so" "$here/open/linked.so"
chmod 777 "$here/open"
ln -s "$here/open/linked.so" "$own/linked.so"
refused "a link to one in such a folder" linked "folder $here/open may be written to by others"
if [ "$(id -u)" = 0 ]; then
    chown 12345 "$own/fake.so"
    refused "one of another user" fake 'belongs to user 12345'
    chown 0 "$own/fake.so"
fi
ln -s "$here/nowhere" "$own/gone.so"
site_with gone
says "a link to nowhere" 'no plugin "gone"' lintel check "$site"

# Two files with a plugin of the same name: which one ran would hang on chance.
site_with fake wrong-taken
says "a name that is taken" 'lintel.yaml:4:20: error: .*"fake" is already taken by .*/fake.so; remove one' lintel check "$site"

# Where plugins are looked for.
says "the list has good ones with their files" "fake +1\.0 +.* $own/fake.so" lintel plugin list
says "and says what is wrong with the others" 'text.so is not a shared object' lintel plugin list
exits "and has status 1 then" 1 lintel plugin list
unset LINTEL_PLUGIN_PATH
rm -r "$own"
exits "those of the build tree are all good" 0 lintel plugin list
for name in coap file modbus mqtt; do says "$name is found in the build tree" "^$name .* $build/plugins/$name/$name.so" lintel plugin list; done
exits "the list as JSON" 0 bash -c '"$1" --json plugin list | python3 -c "import json,sys; d = json.load(sys.stdin); assert {p[\"name\"] for p in d} >= {\"coap\", \"modbus\"} and all(p[\"file\"] for p in d)"' - "$build/bin/lintel"
says "inspect by name shows settings" '^  host +string' lintel plugin inspect modbus
says "and address keys" '^  address +integer' lintel plugin inspect modbus
says "and what may be chosen" 'One of tcp or rtu' lintel plugin inspect modbus
says "and what must be said" '^  folder +string +required ' lintel plugin inspect file
exits "no row ends with blanks" 1 bash -c '"$1" plugin list | grep " \$"' - "$build/bin/lintel"
exits "plugin check takes the suite's options" 0 lintel plugin check file --set folder=/tmp --only "settings:"
exits "the others do not" 2 lintel plugin inspect file --only "settings:"
says "by file" 'modbus 1' lintel plugin inspect "$build/plugins/modbus/modbus.so"
says "a slip in the name" 'did you mean modbus' lintel plugin inspect modbsu
exits "inspect as JSON" 0 bash -c '"$1" --json plugin inspect modbus | python3 -m json.tool' - "$build/bin/lintel"
says "inspect of no file" 'No such file' lintel plugin inspect /nowhere.so
exits "has status 1" 1 lintel plugin inspect /nowhere.so
mkdir "$here/mapped"
cp "$build/plugins/fake/fake.so" "$here/mapped/other.so"
export LINTEL_PLUGIN_MAP=fake=$here/mapped/other.so
says "LINTEL_PLUGIN_MAP names one file" "fake .* $here/mapped/other.so" lintel plugin list
site_with fake
exits "which is taken" 0 lintel check "$site"
export LINTEL_PLUGIN_MAP=fake=$here/mapped/nothing.so
says "a map to nowhere is told" 'nothing.so: No such file' lintel check "$site"
finish
