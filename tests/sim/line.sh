# SPDX-License-Identifier: Apache-2.0
# A hard RS-485 line, in real time: a whole hub on a pty with the timing of 9,600 baud. Sourced behind tests/integration/lib.sh.
# Of n meters the last four are bad: dead, at most 50 registers in a read, one register missing, answers after the timeout. Each
# register's value tells its unit and its address, so that a mix-up shows.
line_addresses=(0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 42 46 48 52 56 60 62 70 72 74 200 202 204 224 342 344)

# line_units N: arguments for modbus_sim.
line_units() {
    local n=$1 unit a bad
    for ((unit = 1; unit <= n; unit++)); do
        echo "--unit $unit"
        bad=$((n - unit)) # 3: dead, 2: limited, 1: lacking, 0: late
        [ $bad != 3 ] || echo fault=dead
        [ $bad != 2 ] || echo most=50
        [ $bad != 0 ] || echo fault=slow:650
        for a in $(seq 0 75) $(seq 200 205) 224 225 $(seq 342 345); do
            [ $bad = 1 ] && { [ "$a" = 62 ] || [ "$a" = 63 ]; } || echo "input:$a=u16:$((unit * 512 + a))"
        done
    done
}
# line_site DIR N POLL DEVICE
line_site() {
    local dir=$1 n=$2 poll=$3 device=$4 a unit
    mkdir -p "$dir"/{models,bindings,things}
    cat >"$dir/lintel.yaml" <<FILE
hub: { name: hard-line }
buses:
  line-1: { plugin: modbus, transport: rtu, device: $device, baud: 9600, parity: even }
FILE
    {
        printf '%s\n' 'info: { title: Meter, version: "1.0.0", license: CC0-1.0 }' 'namespace: { m: "https://example.com/m" }' \
            'defaultNamespace: m' 'sdfObject:' '  Meter:' '    sdfProperty:'
        for a in "${line_addresses[@]}"; do echo "      p$a: { type: integer, writable: false }"; done
    } >"$dir/models/meter.sdf.yaml"
    {
        printf '%s\n' 'info: { title: Meter, version: "1.0.0" }' 'namespace: { m: "https://example.com/m" }' 'defaultNamespace: m' 'amend:'
        for a in "${line_addresses[@]}"; do
            echo "  - \"#/sdfObject/Meter/sdfProperty/p$a\":"
            echo "      sdfProtocolMap: { modbus: { table: input, address: $a, type: u32, poll: $poll } }"
        done
    } >"$dir/bindings/meter-rtu.sdf-supplement.yaml"
    for ((unit = 1; unit <= n; unit++)); do
        echo "- { thingId: m$unit, sdfInstanceOf: { model: meter-rtu }, sdfContext: { bus: line-1, unit: $unit, maxGap: 12 } }"
    done >"$dir/things/all.yaml"
}
# line_says LINE: to the simulator.
line_says() { echo "$1" >&9; }
# line_counts: what it has counted, as one line of JSON.
line_counts() {
    local before end=$((SECONDS + 5))
    before=$(grep -c '^{' "$here/sim.log")
    line_says count
    while [ "$(grep -c '^{' "$here/sim.log")" -le "$before" ] && [ $SECONDS -lt $end ]; do sleep 0.02; done
    grep '^{' "$here/sim.log" | tail -1
}
# line_start N POLL: simulator, hub and a client that follows everything.
line_start() {
    local -a units
    mapfile -t units < <(line_units "$1" | tr ' ' '\n')
    mkfifo "$here/alive"
    exec 9<>"$here/alive"
    start sim "$build/tests/sim/modbus_sim" --pty - --baud 9600 --format 8E1 --wait 500 "${units[@]}" <"$here/alive"
    wait_log sim '^ready pty' || return 1
    line_site "$here/site" "$1" "$2" "$(sed -n 's/^ready pty //p' "$here/sim.log")"
    start_hub "$here/site" || return 1
    start watch "$build/bin/lintel" --json watch
}
# line_unit THING KEY: of `lintel status line-1`; bus KEY with "" as the thing.
line_unit() {
    lintel --json status line-1 | python3 -c '
import json, sys
bus = json.load(sys.stdin)
rows = [u for u in bus["units"] if u["thing"] == sys.argv[1]] or [bus | bus["use"]]
print(rows[0][sys.argv[2]])' "$@"
}
# line_all_good FIRST LAST: all points of these things.
line_all_good() {
    lintel --json things | python3 -c '
import json, sys
first, last = map(int, sys.argv[1:])
rows = {r["id"]: r for r in json.load(sys.stdin)}
sys.exit(any(rows[f"m{u}"]["good"] != 34 for u in range(first, last + 1)))' "$@"
}
# line_until_good FIRST LAST MOST: seconds until they are, or "never".
line_until_good() {
    local from=$(date +%s%N)
    while ! line_all_good "$1" "$2"; do
        [ $((($(date +%s%N) - from) / 1000000000)) -lt "$3" ] || { echo never; return; }
        sleep 0.2
    done
    echo $((($(date +%s%N) - from) / 1000000000))
}
# line_within NAME PERCENT A B: both numbers differ by at most so much.
line_within() {
    if python3 -c 'import sys; p, a, b = map(float, sys.argv[1:]); sys.exit(not abs(a - b) <= p / 100 * b)' "$2" "$3" "$4"; then
        ok "$1 ($3, $4)"
    else
        not_ok "$1: $3 and $4 are more than $2 % apart"
    fi
}
# line_at_most NAME A B: A <= B; "never" is more.
line_at_most() {
    if python3 -c 'import sys; sys.exit(not float(sys.argv[1].replace("never", "inf")) <= float(sys.argv[2]))' "$2" "$3"; then
        ok "$1 ($2)"
    else
        not_ok "$1: $2 is more than $3"
    fi
}
# line_strays: values that the client got and that are not their point's; then how many there were.
line_strays() {
    python3 - "$here/watch.log" <<'CODE'
import json, sys
seen = 0
for text in open(sys.argv[1]):
    base = ""
    try:
        pack = json.loads(text)
    except ValueError:
        continue  # the last line may be cut
    for record in pack:
        base = record.get("bn", base)
        name = (base + record.get("n", "")).split(":", 1)[1].split("/")
        thing, point = name[0], name[-1]
        if "v" in record and point[:1] == "p":
            unit, address = int(thing[1:]), int(point[1:])
            seen += 1
            if record["v"] != (unit * 512 + address) * 65536 + unit * 512 + address + 1:
                print("stray", thing, point, record["v"])
print("values", seen)
CODE
}
