#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An allocation fails while a child starts, one of all that a start makes, alone or with some after it; a moment later there is
# memory again. Whatever the child does then, all has fresh values soon: it goes on, or it is started once more. The children
# are killed at once, those of each way to live in one: modbus, MQTT, a fake that blocks and one that does not, two buses
# together, a transport. LINTEL_RUNS places [5] of each; LINTEL_SEED=N repeats them.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
has_faults
site=$here/site port=$(free_port) seed=${LINTEL_SEED:-1} runs=${LINTEL_RUNS:-5}
echo "# LINTEL_SEED=$seed"
whole_site "$site" "$port" || finish
for i in left right; do
    sed -i "s/^transports:/  $i: { plugin: fake, isolation: \"process:both\" }\n&/" "$site/lintel.yaml"
    box "$site" $i
done
sed -i 's/plugin: coap,/& isolation: process,/' "$site/lintel.yaml"
for i in meters house own slow both coap; do "$faults" "$here/faults.$i" new; done
with_faults
start_hub "$site" || { not_ok "the hub starts"; finish; }
whole_fresh before
start teller bash -c 'while sleep 0.2; do echo 4242; done | mosquitto_pub -l -h 127.0.0.1 -p "$1" -t works/k1/first' - "$broker_port"
cat >"$here/starts.py" <<'CODE'
import json, os, random, re, signal, socket, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from control import Faults
_, _, here, program, port, seed, runs = sys.argv
runs = int(runs)
random.seed(int(seed))
MOST = 60 # seconds; libseccomp may turn for ever, and is given 5 s; what rests is told again within 10 s
SOON = 12 # what took longer is told
TAIL = 0.05 # most allocations are the cage's, in libseccomp: half of the places are behind those
EVER = 1 << 30
WIDTHS = [0, 0.02, 0, 0.2, 0, 0, 0.02, 4] # seconds of a moment; 0: a single allocation
points = {"meters": ["m1/first", "m2/level", "m3/first"], "house": ["k1/first"], "own": ["own/count", "own/level"],
          "slow": ["slow/count"], "both": ["left/count", "right/count"]}
buses = ["meters", "house", "own", "slow", "left", "right"]
kinds = [*points, "coap"]
faults = {kind: Faults(f"{here}/faults.{kind}") for kind in kinds}
def lintel(*args):
    return subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
def pids():
    status = json.loads(lintel("--json", "status").communicate(timeout=30)[0])
    of = {}
    for row in status["buses"] + status["daemon"]["instances"] + status["daemon"]["transports"]:
        name = row.get("bus") or row.get("transport") or row.get("name")
        of["both" if name in ("left", "right") else name] = row.get("pid") or of.get(name)
    return {kind: of.get(kind) or 0 for kind in kinds}
def coap_answers():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        s.connect(("::1", int(port)))
        try:
            s.send(b"\x40\x01" + os.urandom(2) + b"\xbb.well-known\x04core")
            return s.recv(2000)[1] == 0x45
        except OSError:
            return False
def wanting(since):
    """The kinds of which something has no good value that is younger than then."""
    rows = {r["thing"] + "/" + r["name"]: r for r in json.loads(lintel("--json", "get").communicate(timeout=30)[0])}
    now = time.time()
    left = {kind: p for kind in points for p in points[kind]
            if rows.get(p, {}).get("quality") != "good" or now - rows[p].get("age", 0) < since}
    return left if coap_answers() else left | {"coap": "no answer"}
def until_fresh(since, most=MOST):
    """How long each kind took."""
    took = {}
    while True:
        left = wanting(since)
        now = time.time() - since
        took.update({kind: now for kind in kinds if kind not in left and kind not in took})
        if not left or now > most:
            return took, left
        time.sleep(0.02)
def forgive(n):
    """Deaths are counted; five in ten minutes are an alarm. These were nobody's fault."""
    path = f"{here}/site/lintel.yaml"
    text = re.sub(r"rateEqual: \d+", f"rateEqual: {100000 + n}", open(path).read())
    open(path, "w").write(text)
    since = time.time()
    asked = [lintel("plugin", "reload", bus) for bus in buses] + [lintel("reload")]
    answers = [a.communicate(timeout=60)[0].strip() for a in asked]
    left = until_fresh(since)[1]
    return [s for a, s in zip(asked, answers) if a.returncode != 0] + ([f"wanting {left}"] if left else [])
def said(since):
    """What the hub has complained of since then: a place in its log."""
    with open(f"{here}/linteld.log", errors="replace") as f:
        f.seek(since)
        return ["  " + line.rstrip() for line in f if " info " not in line]
def kill():
    of = pids()
    since = time.time()
    for kind in kinds:
        if of[kind] > 0:
            os.kill(of[kind], signal.SIGKILL)
        else:
            print(f"not killed: {kind}, which has no process", flush=True)
    return since + 0.002
def end_moments(since, width):
    """Of each kind, as long after its beginning."""
    began = {}
    while len(began) < len(kinds) or any(faults[kind].get("later") for kind in kinds):
        now = time.time()
        for kind in kinds:
            if faults[kind].get("later") <= 1 or now - since > 6:
                began.setdefault(kind, now)
            if kind in began and now - began[kind] >= width:
                faults[kind].set(later=0, many=0)
        time.sleep(0.001)

# How many there are: until all is fresh, and what was polled meanwhile.
for f in faults.values():
    f.set(many=0, later=EVER)
took, left = until_fresh(kill())
total = {kind: EVER - faults[kind].get("later") for kind in kinds}
for f in faults.values():
    f.set(later=0)
print("allocations of a start:", *(f"{kind}={total[kind]}" for kind in kinds), "wanting" if left else "", flush=True)
slowest, bad = 0.0, 0
for n in range(runs):
    if problems := forgive(n):
        bad += 1
        print(f"{n}: before it: {problems}", flush=True)
    place, width = {}, WIDTHS[n % len(WIDTHS)]
    for kind in kinds:
        part = (n + random.random()) / runs
        place[kind] = 1 + int(total[kind] * (part if n % 2 else 1 - TAIL * part))
        faults[kind].set(many=EVER if width else 0, later=place[kind])
    log = os.path.getsize(f"{here}/linteld.log")
    since = kill()
    ender = threading.Thread(target=end_moments, args=(since, width))
    ender.start()
    took, left = until_fresh(since, MOST + width)
    ender.join()
    slow = {kind: f"{t:.1f} s" for kind, t in took.items() if t > SOON + 2 * width}
    slowest = max([slowest, *took.values()])
    if slow or left:
        bad += bool(left)
        print(f"{n}: SLOW {slow} WANTING {left}; the place: {place}, for {width} s", *said(log), sep="\n", flush=True)
    if left:
        for bus in buses: # for the rest
            lintel("plugin", "reload", bus).communicate()
struck = {kind: faults[kind].struck("later") for kind in kinds}
print("allocations that failed:", struck)
print(f"starts {runs * len(kinds)} slowest {slowest:.1f} s, wanting {bad}")
print("all kinds" if all(struck.values()) else "not all kinds")
CODE
begin=$SECONDS
python3 "$here/starts.py" "$faults" "$here" "$build/bin/lintel" "$port" "$seed" "$runs" >"$here/starts" 2>&1
sed 's/^/# /' "$here/starts"
echo "# after $((SECONDS - begin)) s"
says "each was killed" '^0$' grep -c 'not killed' "$here/starts"
says "after each start all was fresh" 'wanting 0$' cat "$here/starts"
says "allocations of each kind have failed" '^all kinds$' cat "$here/starts"
# paho may forget a connection that it was to make, and is given 30 s.
says_not "nobody waits for what was lost" 'it hangs|not returned within|not return within|say hello within|does not (end|return|answer)|left behind|stays down|MISBEHAVING' \
    grep -v 'house: no connection: the broker does not answer' "$here/linteld.log"
whole_fresh after
finish
