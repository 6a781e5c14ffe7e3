# SPDX-License-Identifier: Apache-2.0
"""Which cases there are, and running them: a line of TAP for each."""
import re
import sys
import threading
import time
import traceback

from wire import Client, Failed

cases = []


class Case:
    def __init__(self, name, what, fn, lane, known, interop):
        self.name, self.what, self.fn, self.lane, self.known, self.interop = name, what, fn, lane, known, interop
        self.result, self.seconds, self.skipped = None, 0.0, None


def case(name, what, lane=None, known=None, interop=None):
    """Names a function of a Site as the case. lane: cases of one lane run one after the other; others side by side.
    known: why it does not hold - the function then checks that it is still so."""
    def add(fn):
        cases.append(Case(name, what, fn, lane, known, interop))
        return fn
    return add


class Skipped(Exception):
    pass


class Site:
    """Where the hub is."""
    clients = []  # open to the end: a port that came twice would be the same endpoint to the hub

    def __init__(self, **named):
        self.__dict__.update(named)

    def client(self, port=None):
        c = Client(("::1", port or self.port))
        self.clients.append(c)
        return c


def run_one(c, named):
    site, start = Site(**named), time.monotonic()
    try:
        c.fn(site)
    except Failed as e:
        c.result = str(e)
    except Skipped as e:
        c.skipped = str(e)
    except Exception:
        c.result = traceback.format_exc()
    finally:
        c.seconds = time.monotonic() - start


def run(named, only):
    """Lanes side by side; the lane 'last' when all others have ended."""
    lanes = {}
    for c in cases:
        if re.search(only, c.name):
            lanes.setdefault(c.lane or c.name, []).append(c)
    last = lanes.pop("last", [])
    gate = threading.Semaphore(24)

    def lane(those):
        with gate:
            for c in those:
                run_one(c, named)

    threads = [threading.Thread(target=lane, args=(those,)) for those in lanes.values()]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for c in last:
        run_one(c, named)
    for client in Site.clients:
        client.close()
    failed = 0
    for n, c in enumerate((c for those in [*lanes.values(), last] for c in those), 1):
        note = f" # KNOWN {c.known}" if c.known else f" # SKIP {c.skipped}" if c.skipped else ""
        ok = c.result is None
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {c.name} {c.what}{note}")
        if not ok:
            print("\n".join("#   " + line for line in c.result.splitlines()[:30]))
        if c.seconds > 20:
            print(f"# it took {c.seconds:.1f} s")
    print(f"1..{sum(map(len, lanes.values())) + len(last)}")
    return failed


def result_of(c):
    return f"known: {c.known}" if c.known else "holds"


def table(prefix):
    # "P" is followed by its number: other names begin with a P too.
    pattern = prefix + (r"\d" if prefix == "P" else "")
    rows = [f"| {c.name} | {c.what} | {result_of(c)} |"
            for c in sorted(cases, key=lambda c: natural(c.name)) if re.match(pattern, c.name)]
    return ["| id | what | result |", "|---|---|---|", *rows]


def natural(name):
    """P2 before P10."""
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]


def page(old):
    """The page with its tables made anew: each stands between <!-- PREFIX --> and <!-- end -->."""
    def fill(m):
        return "\n".join([f"<!-- {m.group(1)} -->", *table(m.group(1)), "<!-- end -->"])
    return re.sub(r"<!-- (\w+-?) -->\n.*?<!-- end -->", fill, old, flags=re.S)


def check_page(path, write):
    with open(path, encoding="utf-8") as f:
        old = f.read()
    new = page(old)
    named = set(re.findall(r"^\| (\S+) \|", new, re.M)) - {"id"}
    lost = [c.name for c in cases if c.name not in named]
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(new)
    elif old != new:
        print(f"not ok - {path} does not say what the tests say; tests/conformance/run.py --write {path} mends it")
        return 1
    if lost:
        print(f"not ok - {path} has no table for {', '.join(lost)}")
        return 1
    return 0
