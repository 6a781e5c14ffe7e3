#!/bin/sh
# A hub on the site beside this file, with a simulated device; everything it writes lies in run/. Ends with Ctrl-C.
set -eu
cd "$(dirname "$0")"
mkdir -p run/site run/state run/run
cp -R site/. run/site/
[ -z "${PORT:-}" ] || sed -i "s/port: [0-9]*/port: $PORT/" run/site/lintel.yaml
LINTEL_PLUGIN_PATH=$PWD LINTEL_RUN=$PWD/run/run
export LINTEL_PLUGIN_PATH LINTEL_RUN
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done' EXIT
trap 'exit 0' INT TERM
./@NAME@_sim "@RUN_SIM@" &
pids=$!
linteld --site run/site --state run/state --run run/run &
pids="$! $pids"
echo "In another terminal: lintel --run $PWD/run/run get device-1"
wait "${pids%% *}"
