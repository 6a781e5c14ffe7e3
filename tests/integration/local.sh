#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line: every command, its exit status, its JSON, narrow terminals, slips, and a hub that is not there.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
site=$here/site
boxes "$site"
cat >"$site/lintel.yaml" <<'FILE'
hub: { name: local }
buses:
  cellar: { plugin: fake, isolation: thread }
  attic: { plugin: fake, isolation: thread }
FILE
cat >"$site/things/boxes.yaml" <<'FILE'
- thingId: cellar
  sdfInstanceOf: { model: box-counter }
  sdfContext: { bus: cellar, label: "A box with a label that is longer than most", location: "B2/a room with a long name", zone: below, tags: [heavy, old] }
- thingId: broken
  sdfInstanceOf: { model: box-error }
  sdfContext: { bus: attic, location: "8/roof" }
FILE
# json NAME EXPRESSION COMMAND..: its output as Python's d fulfils the expression.
json() {
    local name=$1 expression=$2 out
    shift 2
    out=$("$@" 2>/dev/null)
    if python3 -c 'import json, sys
d = json.loads(sys.argv[2])
assert eval(sys.argv[1]), d' "$expression" "$out" 2>"$here/why"; then ok "$name"; else not_ok "$name" "$(cat "$here/why")"; fi
}

# No hub.
for command in status things get "get x" "set x/y 1" "invoke x/y" "watch x" reload; do
    # shellcheck disable=SC2086
    exits "$command without a hub has status 3" 3 lintel $command
done
says "and says what to do" 'no hub is running.*start linteld.*--run' lintel status
exits "usage has status 2" 2 lintel
exits "--help has 0" 0 lintel --help
exits "--version has 0" 0 lintel --version
for command in check run status things get set invoke watch reload plugin schema; do says "$command stands in the help" "^  $command " lintel --help; done
says "an unknown command gets the nearest" 'did you mean status' lintel sttaus
exits "and has status 2" 2 lintel sttaus
exits "an unknown option has 2" 2 lintel --jsn status
exits "also behind the command" 2 lintel status --jsn
says "--help behind a command helps" 'Usage|lintel get' lintel get --help
exits "with status 0" 0 lintel get --help
exits "set without a value has 2" 2 lintel set a/b
exits "invoke without an action has 2" 2 lintel invoke a
exits "check of nothing has 1" 1 lintel check "$here/nowhere"
says "and says which folder" "$here/nowhere" lintel check "$here/nowhere"
for kind in lintel.yaml binding things; do json "schema of $kind" '"$schema" in d' lintel schema $kind; done
exits "schema of anything else has 2" 2 lintel schema nothing

# lintel run: a hub in the foreground.
mkdir "$here/run"
start run "$build/bin/lintel" run "$site"
hub=$pid
wait_log run 'local runs: 2 things' || not_ok "lintel run starts a hub"
soon "lintel run" '^[0-9]+$' lintel get cellar/count
says "a second one in its folder is refused" "another linteld uses the run folder $here/run" timeout 5 "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state2"
mkdir -p "$here/run2"
says "a site that is not there" 'is no folder' timeout 5 "$build/bin/lintel" --run "$here/run2" run "$here/nowhere"

# What it shows.
says "status" '^cellar +fake +thread +up' lintel status
says "names what is wrong" '^broken +attic +bad +.*not in the mood' lintel status
says "things" '^cellar +box-counter +cellar +below +B2/a room' lintel things
says "things with a word" '^broken' lintel things roof
says_not "are those that have it" '^cellar' lintel things roof
says "also in a tag" '^cellar' lintel things heavy
says "no thing with a word" 'no thing has' lintel things nonsense
says "get of all" '^cellar +count +[0-9]+ +good' lintel get
says "get of one thing" '^count +[0-9]+ +good' lintel get cellar
says "get of a bad point says why" '^count +- +bad .*not in the mood' lintel get broken
exits "get of one value that is bad has status 1" 1 lintel get broken/count
says "with the reason" 'the device is not in the mood' lintel get broken/count
says "get of several" 'cellar/level: [0-9]' lintel get cellar/level cellar/count
exits "set" 0 lintel set cellar/level 21.5
soon "has set" '^21\.5 %$' lintel get cellar/level
exits "out of range has 1" 1 lintel set cellar/level 101
says "and says the range" '100' lintel set cellar/level 101
says "below it too" 'minimum|0' lintel set cellar/level -- -1
exits "no number has 1" 1 lintel set cellar/level warm
says "read-only" 'read-only' lintel set cellar/count 1
soon "nothing of it came through" '^21\.5 %$' lintel get cellar/level
says "a slip in a thing" 'did you mean cellar' lintel get celar
says "also before a property" 'did you mean cellar' lintel get celar/count
says "a slip in a property" 'did you mean cellar/count' lintel get cellar/cuont
says "also of set" 'did you mean cellar/level' lintel set cellar/levl 1
says "also of watch" 'did you mean cellar/level' lintel watch cellar/levl
exits "watch of nothing has 1" 1 lintel watch nothing
says "invoke of what is no action" 'no action' lintel invoke cellar/level
streams "watch of a thing" 'cellar/Box/level +21\.5 %' "$build/bin/lintel" watch cellar
streams "watch of all" 'cellar/Box/count +[0-9]+' "$build/bin/lintel" watch
streams "watch as JSON" '"n":.*Box/count' "$build/bin/lintel" --json watch cellar/count
streams "watch of an event" 'cellar/Box/tick +[0-9]+' "$build/bin/lintel" watch cellar/tick
says "reload" 'taken in: 0 added, 0 changed, 0 removed' lintel reload

# JSON everywhere.
json "status" 'd["hub"] == "local" and len(d["buses"]) == 2 and d["daemon"]["instances"]' lintel --json status
json "the option may stand behind" 'd["hub"] == "local"' lintel status --json
json "things" '{t["id"] for t in d} == {"cellar", "broken"}' lintel --json things
json "things with a word" '[t["id"] for t in d] == ["broken"]' lintel --json things roof
json "get" 'len({r["thing"] for r in d}) == 2' lintel --json get
json "get of a thing" '{r["name"] for r in d} >= {"count", "level"}' lintel --json get cellar
json "get of a value, in SenML's unit" 'd[0]["v"] == 0.215 and d[0]["u"] == "/" and d[0]["t"] > 1e9' lintel --json get cellar/level
json "reload" '"added" in json.dumps(d)' lintel --json reload
json "check" 'd["ok"] is True and d["problems"] == []' lintel --json check "$site"
json "plugins" '{p["name"] for p in d} >= {"fake"}' lintel --json plugin list
json "a plugin" 'd["plugins"][0]["name"] == "fake"' lintel --json plugin inspect fake

# Narrow terminals.
for width in 60 80; do
    for command in status things get "get cellar" "get broken" "plugin list" "plugin inspect fake"; do
        # shellcheck disable=SC2086
        out=$(COLUMNS=$width lintel $command 2>/dev/null)
        if [ -n "$out" ] && awk -v w=$width '!/^\// && length > w { exit 1 }' <<<"$out"; then ok "$command fits $width columns"; else not_ok "$command fits $width columns" "$out"; fi
    done
done
COLUMNS=60 lintel status | sed 's/^/# /'
COLUMNS=60 lintel things | sed 's/^/# /'

# Its end.
kill -INT "$hub"
wait "$hub"
exits "Ctrl-C ends it well" 0 test $? = 0
exits "and then there is no hub" 3 lintel status

# Output that nobody reads any more.
start_hub "$site" || { not_ok "the hub starts"; finish; }
soon "it runs" '^[0-9]+$' lintel get cellar/count
exits "a closed pipe ends watch" 0 timeout 10 bash -c "'$build/bin/lintel' watch cellar/count | head -2 >/dev/null"
finish
