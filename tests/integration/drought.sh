#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For a moment no allocation works, in the hub, in its children, in both; or children get no descriptors: at a reload, at the
# reload of a plugin, while all is polled. Soon after it all that the site wants runs and has fresh values, and nobody has
# waited for a message that was lost. LINTEL_RUNS moments [16]; LINTEL_SEED=N is for other lengths and places.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
. "$source_dir/tests/integration/whole.sh"
has_faults
site=$here/site port=$(free_port) seed=${LINTEL_SEED:-1} runs=${LINTEL_RUNS:-16}
echo "# LINTEL_SEED=$seed"
whole_site "$site" "$port" || finish

cat >"$here/moments.py" <<'CODE'
import json, os, random, re, subprocess, sys, time
sys.path.insert(0, os.path.dirname(sys.argv[1]))
from control import Faults
here, program, site, seed, runs = sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]), int(sys.argv[6])
what, fault = sys.argv[7], [Faults(here + "/" + f) for f in sys.argv[8:]]
points = {f"m{i}/{p}" for i in (1, 2, 3) for p in ("first", "level")} | {f"{b}/count" for b in ("own", "thread", "slow")}
def lacks(out):
    for f in fault:
        f.set(**{what: out})
def lintel(*args):
    return subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
def wanting(since):
    """What has no good value that is younger."""
    try:
        rows = json.loads(lintel("--json", "get").communicate(timeout=30)[0])
    except (ValueError, subprocess.TimeoutExpired) as e:
        return {"all of it": repr(e)}
    here = {r["thing"] + "/" + r["name"]: r for r in rows}
    now = time.time()
    return {p: here.get(p, "missing") for p in points
            if p not in here or here[p]["quality"] != "good" or now - here[p].get("age", 0) < since}
def change(n):
    """Of the settings of two buses, so that a reload starts them anew."""
    path = site + "/lintel.yaml"
    text = re.sub(r"timeout: \d+", f"timeout: {500 + n}", open(path).read())
    text = re.sub(r"(thread: \{ plugin: fake,)( everyMs: \d+,)?", rf"\1 everyMs: {1000 + n},", text)
    open(path, "w").write(text)
kinds = ["reload", "plugin reload own", "changes", "plugin reload thread", "polling", "plugin reload meters", "changes", "plugin reload slow"]
random.seed(seed)
for n in range(runs):
    kind, began, width = kinds[n % len(kinds)], random.random() * 0.03, random.choice([0.02, 0.05, 0.05, 0.2])
    if kind == "changes":
        change(n)
    asked = lintel("reload") if kind in ("reload", "changes") else lintel(*kind.split()) if kind != "polling" else None
    time.sleep(began)
    lacks(1)
    time.sleep(width)
    lacks(0)
    over = time.time()
    # What was asked may be refused, but it is answered.
    said = asked.communicate(timeout=120)[0].strip() if asked else ""
    while (left := wanting(over)) and time.time() - over < 60:
        time.sleep(0.05)
    print(f"{n}: {what} is out for {width} s, {began:.3f} s after {kind}: {said!r}:", "all is fresh" if not left else f"WANTING {left}",
          f"after {time.time() - over:.1f} s", flush=True)
    if left:
        break
print("failed:", *(f.struck(what) for f in fault))
CODE
# moments NAME FAULT FILE..: a hub that lives through them, where these are the numbers that are set.
moments() {
    local name=$1
    shift
    with_faults
    start_hub "$site" || { not_ok "$name: the hub starts"; finish; }
    whole_fresh "$name, before"
    python3 "$here/moments.py" "$faults" "$here" "$build/bin/lintel" "$site" "$seed" "$runs" "$@" >"$here/moments" 2>&1
    sed 's/^/# /' "$here/moments"
    alive "$hub" || echo "# the hub has ended"
    grep -q "^$((runs - 1)):.* all is fresh" "$here/moments" || { lintel status; tail -40 "$here/linteld.log"; } 2>&1 | sed 's/^/#   /'
    says "$name: after each moment all has fresh values" "^$runs\$" grep -c 'all is fresh' "$here/moments"
    says "$name: some has failed, in each" "^failed:( [1-9][0-9]*){$(($# - 1))}\$" cat "$here/moments"
    # Time-outs are for what hangs. After a moment nothing does.
    says_not "$name: nobody waits for what was lost" 'it hangs|not returned within|not come up in time|does not (end|return)|left behind' cat "$here/linteld.log"
    whole_fresh "$name, after"
    says_not "$name: what was said last is that something can't be started" "can't be started|rests: " bash -c "tail -3 '$here/linteld.log'"
    exits "$name: a reload is taken" 0 lintel reload
    for i in own slow meters house thread; do exits "$name: and the plugin of $i" 0 lintel plugin reload $i; done
    whole_fresh "$name, reloaded"
    kill "$hub"
    wait "$hub"
    exits "$name: it ends well" 0 test $? = 0
    stop "$hub"
}
moments "the hub" memory faults
moments "all" memory faults faults.children
moments "the children" memory faults.children
moments "descriptors of the children" emfile faults.children
finish
