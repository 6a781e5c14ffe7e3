#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the hub's SenML with another decoder and encoder: cbor2, and a resolver written from RFC 8428 alone.
Usage: senml_diff.py PATH-OF-senml_cat. Exit status 77: there is no cbor2."""
import io
import json
import math
import random
import re
import subprocess
import sys
from decimal import Decimal

try:
    import cbor2
except ImportError:
    print("skip: no python3-cbor2")
    sys.exit(77)

NUMBER = {"bs": -6, "bv": -5, "bu": -4, "bt": -3, "bn": -2, "bver": -1, "n": 0, "u": 1, "v": 2, "vs": 3, "vb": 4,
          "s": 5, "t": 6, "ut": 7, "vd": 8}
NAME = {v: k for k, v in NUMBER.items()}
FAR = 2 ** 28
rng = random.Random(8428)


class Refused(Exception):
    pass


def number(x):
    if isinstance(x, bool) or not isinstance(x, (int, float, Decimal)):
        raise Refused("type")
    x = float(x)
    if not math.isfinite(x):
        raise Refused("not finite")
    return x


def resolve(pack):
    """Records as (name, unit, value, time), or Refused."""
    base = {"bn": "", "bu": "", "bt": 0.0, "bv": None, "bs": None}
    timed, version, out = False, None, []
    for record in pack:
        if any(isinstance(k, str) and k.endswith("_") for k in record):
            raise Refused("must understand")
        for key, kind in (("bn", str), ("bu", str), ("n", str), ("u", str), ("vs", str), ("vb", bool), ("vd", bytes)):
            if key in record and not isinstance(record[key], kind):
                raise Refused("type")
        for key in ("bt", "bv", "bs", "v", "s", "t", "ut"):
            if key in record:
                number(record[key])
        v = record.get("bver", version or 10)
        if isinstance(v, bool) or not isinstance(v, int) or v < 1 or (v > 10 and v != 26) or (version or v) != v:
            raise Refused("version")
        version = v
        for key in base:
            if key in record:
                base[key] = record[key]
        timed = timed or "bt" in record
        name = base["bn"] + record.get("n", "")
        if name and not re.fullmatch(r"[A-Za-z0-9][-A-Za-z0-9:./_]*", name):
            raise Refused("name")
        values = [k for k in ("v", "vs", "vb", "vd") if k in record]
        if len(values) > 1:
            raise Refused("values")
        value = record[values[0]] if values else None
        if base["bv"] is not None and values in ([], ["v"]):
            value = number(base["bv"]) + number(record.get("v", 0))
            number(value)
        bt, t = number(base["bt"]), number(record.get("t", 0))
        if ((bt >= FAR or t >= FAR) != (bt + t >= FAR)) or not math.isfinite(bt + t):
            raise Refused("time")
        summed = "s" in record or base["bs"] is not None
        if summed:
            number(number(base["bs"] or 0) + number(record.get("s", 0)))
        if value is None and not summed:
            raise Refused("no value")
        out.append((name, record.get("u", base["bu"]), value, bt + t if timed or "t" in record else None))
    return out


def some_number():
    return rng.choice([
        lambda: rng.randint(-2 ** 63, 2 ** 64 - 1), lambda: rng.randint(-100, 100), lambda: rng.uniform(-1e6, 1e6),
        lambda: rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300), lambda: round(rng.uniform(-100, 100), 2),
        lambda: Decimal(rng.randint(-99999, 99999)).scaleb(rng.randint(-6, 6)), lambda: 0, lambda: float("nan")])()


def some_pack():
    pack = []
    for _ in range(rng.randint(0, 5)):
        r = {}
        if rng.random() < .4:
            r["bn"] = rng.choice(["urn:dev:ow:10e2073a01080063:", "hub:thing/", "a", "_", "2001:db8::2/"])
        if rng.random() < .8:
            r["n"] = rng.choice(["temp", "Device/x", "a b", "", "x_1", "\u00e9"])
        if rng.random() < .3:
            r["bt"] = rng.choice([1.276020076001e+09, 1320078429, -5, 10, 2e8, 1e300])
        if rng.random() < .4:
            r["t"] = rng.choice([-5, 0, 60, 1.5, 1767225600, 2e8, -1.2e9])
        if rng.random() < .3:
            r["u"] = rng.choice(["Cel", "W", "kW", "", "%RH"])
        if rng.random() < .2:
            r["bu"] = rng.choice(["A", "V"])
        if rng.random() < .1:
            r["bver"] = rng.choice([10, 10, 5, 11, 26, 0, "10"])
        if rng.random() < .1:
            r[rng.choice(["x", "x_", 99, -7])] = rng.choice([1, [1, {"a": 2}], "y"])
        if rng.random() < .1:
            r[rng.choice(["bv", "bs", "s"])] = some_number()
        for key, make in (("v", some_number), ("vs", lambda: rng.choice(["x", "", "a\"b", "\u20ac"])),
                          ("vb", lambda: rng.random() < .5), ("vd", lambda: rng.randbytes(rng.randint(0, 40)))):
            if rng.random() < (.75 if key == "v" else .1):
                r[key] = make() if rng.random() < .97 else rng.choice(["1", 1, True, [1]])
        pack.append(r)
    return pack


def as_cbor(pack):
    return cbor2.dumps([{NUMBER.get(k, k): v for k, v in r.items()} for r in pack])


def same(a, b):
    if isinstance(a, (str, bytes, bool)) or a is None:
        return type(a) is type(b) and a == b
    return not isinstance(b, (str, bytes, bool)) and b is not None and float(a) == float(b)


def main():
    packs = [some_pack() for _ in range(5000)]
    lines, wanted = [], []
    for pack in packs:
        lines.append("cbor " + as_cbor(pack).hex())
        try:
            wanted.append(resolve(pack))
        except Refused as e:
            wanted.append(e)
        except (OverflowError, ValueError):
            wanted.append(Refused("too large"))
    run = subprocess.run([sys.argv[1]], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = run.stdout.splitlines()
    taken = wrong = 0
    for pack, want, answer in zip(packs, wanted, answers, strict=True):
        if isinstance(want, Refused) or answer.startswith("refused"):
            if not (isinstance(want, Refused) and answer.startswith("refused")):
                wrong += 1
                print(f"# {pack}\n#   here {want!r}, there {answer[:200]}")
            continue
        taken += 1
        got = cbor2.loads(bytes.fromhex(answer))
        fine = len(got) == len(want)
        for (name, unit, value, time), g in zip(want, got):
            g = {NAME[k]: v for k, v in g.items()}
            values = [g[k] for k in ("v", "vs", "vb", "vd") if k in g]
            fine &= g.get("n", "") == name and g.get("u", "") == unit and same(value, values[0] if values else None)
            fine &= len(values) <= 1 and ("t" in g) == (time is not None)
            # Times are written to the microsecond, and in 64 bit of nanoseconds.
            fine &= time is None or abs(time) > 9e9 or abs(float(g["t"]) - time) < 2e-6
        if not fine:
            wrong += 1
            print(f"# {pack}\n#   here {want}, there {got}")
    print(f"{len(packs)} packs: {taken} read the same, {len(packs) - taken - wrong} refused by both, {wrong} differ")
    return 1 if wrong or taken < 500 or len(packs) - taken < 500 else 0


sys.exit(main())
