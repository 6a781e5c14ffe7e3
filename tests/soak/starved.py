# SPDX-License-Identifier: Apache-2.0
"""A hub whose memory fails (starved.sh). Key words name what it needs to know:
  each      one request of each kind, again and again: each time another one of the allocations that it costs fails,
            alone or with five after it. What comes is right, refused, or nothing; the next one of the same is right.
  moments   for moments the hub's heap can't grow, while clients begin new sessions of all kinds."""
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
from wire import *

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../faults"))
import control

NEVER = 1 << 30
LEVEL = "d/store/Box/p/level"
REFUSALS = ("4.08", "5.00", "5.02", "5.03", "5.04")  # what may be said where memory is out
of_good = {ETAG, OBSERVE, LOCATION_PATH, CONTENT_FORMAT}


class Wrong(Exception):
    """What no hub may say, whatever fails."""


class Refused(Exception):
    """It said that it can't, or nothing."""


class Gone(Exception):
    """There is no hub."""


class Faults(control.Faults):
    def arm(self, n, many=0):
        self.set(many=many, later=n)

    def off(self):
        self.set(later=0, many=0)


class Hub:
    def __init__(self, named):
        self.__dict__.update(named)
        self.faults = Faults(self.faults)
        self.pid, self.port = int(self.pid), int(self.port)
        self.level, self.links = None, None

    def need(self):
        with open(f"/proc/{self.pid}/stat") as f:
            if f.read().rsplit(")", 1)[1].split()[0] != "Z":
                return
        raise Gone

    def client(self):
        return Asker(self)

    def lintel(self, *args):
        r = subprocess.run([self.program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.need()
        if r.returncode not in (0, 1, 2, 3):
            raise Wrong(f"lintel {args}: {r.returncode} {r.stdout[-200:]}")
        if r.returncode != 0:
            raise Refused(r.stdout.strip()[-100:])
        return r.stdout


class Asker(Client):
    """Asks as a client does that goes on: an unanswered request is repeated."""

    def __init__(self, hub):
        super().__init__(("::1", hub.port))
        self.hub = hub

    def request(self, method, path, options=(), payload=b"", kind=CON, token=None):
        m, promised = self.make(method, path, kind, options, payload, token), False
        for wait in (0.2, 0.5, 2):
            self.send(m)
            end = time.monotonic() + wait
            while (left := end - time.monotonic()) > 0 and (r := self.receive(left)) is not None:
                if r.kind == CON:
                    self.ack(r)
                if r.token == m.token and r.code != 0:
                    return r
                if r.kind == ACK and r.mid == m.mid:
                    end, promised = time.monotonic() + 4, True
            self.hub.need()
            self.hub.faults.off()
            if promised:
                raise Refused("an answer was promised, and did not come")
            if kind == NON:
                m.mid = self.next_mid()
        raise Refused("nothing came")

    def good(self, wanted, method, path, *args, **named):
        """The answer, if it has one of the wanted codes."""
        m = self.request(method, path, *args, **named)
        if m.dotted in REFUSALS and m.dotted not in wanted:
            later = (m.block(BLOCK2) or (0, False, 0))[1]
            if later or any(n in of_good - {CONTENT_FORMAT} for n, _ in m.options):
                raise Wrong(f"a refusal with options of an answer: {m}")
            raise Refused(f"{m.dotted} {m.payload[:60]!r}")
        if m.dotted not in wanted:
            raise Wrong(f"{method} {path}: {m}")
        return m

    def whole(self, method, path, options=(), szx=6, payload=b""):
        """A representation in blocks."""
        body, tag = b"", None
        for num in range(1000):
            m = self.good(("2.05",), method, path, [*options, (BLOCK2, block(num, False, szx))], payload)
            got = m.block(BLOCK2)
            if num > 0 and m.get(ETAG) != tag:
                raise Refused("it has changed under way")
            tag, body = m.get(ETAG), body + m.payload
            if got is None or not got[1]:
                return body
            if got[0] != num:
                raise Wrong(f"not block {num}: {m}")
        raise Wrong("a representation without an end")

    def upload(self, method, path, body, szx):
        size = 16 << szx
        for num in range(0, (len(body) + size - 1) // size):
            more = (num + 1) * size < len(body)
            m = self.good(("2.31",) if more else ("2.01", "2.04"), method, path,
                          [(CONTENT_FORMAT, b""), (BLOCK1, block(num, more, szx))], body[num * size:(num + 1) * size])
        return m


def shows(hub, m):
    """The level that was written; or 0, which the device begins with when its plugin is started anew."""
    value = float(m.payload)
    if hub.level not in (None, value) and value != 0:
        raise Wrong(f"not {hub.level}: {m}")
    hub.level = value


def written(hub, write):
    """A write that was refused, or whose answer was lost, may have been done, or may be yet."""
    value, before, hub.level = random.randrange(100), hub.level, None
    write(value)
    hub.level = float(value) if before is not None else None


each = {}


def kind(fn):
    each[fn.__name__] = fn
    return fn


@kind
def get(h, c):
    shows(h, c.good(("2.05",), GET, LEVEL, [(ACCEPT, b"")]))


@kind
def get_non(h, c):
    shows(h, c.good(("2.05",), GET, LEVEL, kind=NON))


@kind
def get_of_the_device(h, c):
    need(c.good(("2.05",), GET, "d/asked/Box/p/count").payload.isdigit(), "not a count")


@kind
def put(h, c):
    written(h, lambda v: c.good(("2.04",), PUT, LEVEL, [(CONTENT_FORMAT, b"")], b"%d" % v))


@kind
def pack(h, c):
    json.loads(c.good(("2.05",), GET, "d/store/s", [(ACCEPT, uint(110))]).payload)


@kind
def fetch(h, c):
    m = c.good(("2.05",), FETCH, "d/store/s", [(CONTENT_FORMAT, uint(320)), (ACCEPT, uint(110))], b'[{"n":"Box/level"}]')
    need(len(json.loads(m.payload)) == 1, "not one record", m)


@kind
def ipatch(h, c):
    written(h, lambda v: c.good(("2.04",), IPATCH, "d/store/s", [(CONTENT_FORMAT, uint(320))], b'[{"n":"Box/level","v":%d}]' % v))


@kind
def description(h, c):
    need(json.loads(c.whole(GET, "d/store/td"))["title"], "no title")


@kind
def links(h, c):
    body = c.whole(GET, ".well-known/core")
    h.links = h.links or body
    need(body == h.links, "other links", body[:200], h.links[:200])


@kind
def large(h, c):
    need(len(c.whole(GET, "large")) == 1700, "not 1,700 bytes")


@kind
def large_put(h, c):
    body = os.urandom(900).hex().encode()
    c.upload(PUT, "large-update", body, 4)
    need(c.whole(GET, "large-update") == body, "not what was put there")


@kind
def observe(h, c):
    """Registers, has it changed by somebody else, hears of it, and ends it."""
    token = os.urandom(4)
    first = c.good(("2.05",), GET, LEVEL, [(OBSERVE, b"")], token=token)
    shows(h, first)
    value, h.level = (int(float(first.payload)) + 7) % 100, None
    h.other.good(("2.04",), PUT, LEVEL, [(CONTENT_FORMAT, b"")], b"%d" % value)
    h.level, end, told = float(value), time.monotonic() + 3, first.get(OBSERVE) is None
    while not told and (m := c.receive(max(0, end - time.monotonic()))) is not None:
        if m.kind == CON:
            c.ack(m)
        if m.token == token and m.dotted != "2.05":
            raise Refused("the observation has ended")
        told = m.token == token and float(m.payload) == value
    c.good(("2.05",), GET, LEVEL, [(OBSERVE, b"\1")], token=token)
    if not told:
        raise Refused("nobody was told")
    if first.get(OBSERVE) is None:
        raise Refused("no observation")


@kind
def registration(h, c):
    links = ",".join(f'</sensors/{i}>;rt="temperature-c";if="sensor";title="number {i}"' for i in range(6)).encode()
    m = c.good(("2.01",), POST, "rd?ep=node&lt=600&base=coap://[2001:db8::1]", [(CONTENT_FORMAT, uint(40))], links)
    where = "/".join(v.decode() for v in m.all(LOCATION_PATH))
    need(where.startswith("rd/"), "no location", m)
    c.good(("2.04",), POST, where + "?lt=700")
    need(c.whole(GET, "rd-lookup/res?ep=node").count(b"temperature-c") == 6, "not six links")
    need(b'ep="node"' in c.good(("2.05",), GET, "rd-lookup/ep?ep=node").payload, "not found")
    c.good(("2.02",), DELETE, where)


@kind
def all_links(h, c):
    need(c.whole(GET, "rd-lookup/res").count(b"<coap") > 30, "not all links")


@kind
def simple_registration(h, c):
    """The hub asks back."""
    m, end = c.send(POST, ".well-known/rd?ep=simple&lt=600"), time.monotonic() + 3
    while (r := c.receive(max(0, end - time.monotonic()))) is not None:
        if r.code == GET:
            c.raw(Message(ACK, code("2.05"), r.mid, r.token, [(CONTENT_FORMAT, uint(40))], b"</t>;rt=simple").encode())
        elif r.kind == CON:
            c.ack(r)
        if r.token == m.token and r.dotted == "2.04":
            return
        if r.token == m.token and r.code != 0:
            raise Refused(repr(r))
    h.need()
    raise Refused("nothing came")


@kind
def noise(h, c):
    for data in (b"\x40", b"\xff" * 40, bytes(100), os.urandom(60), Message(CON, 0, 1).encode(), Message(RST, 0, 2).encode(),
                 c.make(GET, "x", options=[(PROXY_URI, b"coap://h/")]).encode(), c.make(GET, "x", options=[(HOP_LIMIT, b"\1")]).encode(),
                 c.make(GET, "x", options=[(65001, b"zz")]).encode(), c.make(9, "x").encode(), c.make(GET, "/".join("s" * 40)).encode(),
                 c.make(PUT, ".well-known/core", payload=b"1").encode(), c.make(GET, "q", options=[(BLOCK2, b"\xff" * 5)]).encode()):
        c.raw(data)
    shows(h, c.good(("2.05",), GET, LEVEL, [(ACCEPT, b"")]))


def command(name, *args):
    def run(h, _):
        out = h.lintel(*args)
        if "--json" in args:
            json.loads(out)
    each[name] = run


command("lintel get", "--json", "get")
command("lintel things", "--json", "things", "store")
command("lintel audit", "--json", "audit", "count=20")
command("lintel reload", "reload")


@kind
def lintel_set(h, _):
    written(h, lambda v: h.lintel("set", "store/level", str(v)))


def attempt(h, fn, c):
    """What came of it: good, or why not."""
    try:
        fn(h, c)
        return "good"
    except Refused as e:
        return f"refused: {e}"
    except (Failed, ValueError, KeyError) as e:
        raise Wrong(f"{type(e).__name__}: {e}")


def again(h, fn, c):
    """With memory it is good, at the latest when what was lost has been started anew."""
    end = time.monotonic() + 15
    while (came := attempt(h, fn, c)) != "good":
        if time.monotonic() > end:
            raise Wrong(f"and does not work after it: {came}")
        time.sleep(0.05)


def level_is_known(h):
    end = time.monotonic() + 10
    while h.level is None:
        m = h.other.request(GET, LEVEL)
        if m.dotted == "2.05":
            h.level = float(m.payload)
        elif time.monotonic() > end:
            raise Wrong(f"a value that was written is not there: {m}")


def trials(h, c, only):
    all_of_them = []
    for name, fn in each.items():
        if not re.search(only, name):
            continue
        for _ in range(2):
            again(h, fn, c)
        h.faults.arm(NEVER)
        attempt(h, fn, c)
        cost = NEVER - h.faults.get("later")
        h.faults.off()
        print(f"{name}: {cost} allocations", flush=True)
        all_of_them += [(name, n, many) for n in range(1, cost + 1) for many in (0, 5)]
    random.shuffle(all_of_them)
    # Of each kind one after the other: a reload has more of them than all others together.
    turns = {}
    return sorted(all_of_them, key=lambda t: turns.setdefault(t[0], iter(range(1 << 30))).__next__())


def run_each(h, seconds, only):
    c, h.other = h.client(), h.client()
    todo, came, wrong = trials(h, c, only), {}, 0
    start = time.monotonic()
    done = 0
    for name, n, many in todo:
        if time.monotonic() - start > seconds:
            break
        done += 1
        try:
            level_is_known(h)
            h.faults.arm(n, many)
            try:
                word = attempt(h, each[name], c).partition(":")[0]
            finally:
                h.faults.off()
            h.need()
            level_is_known(h)
            again(h, each[name], c)
        except Wrong as e:
            wrong += 1
            word = "wrong"
            print(f"WRONG: {name}, allocation {n}{f' and {many} more' if many else ''}: {e}", flush=True)
        except (Gone, ConnectionError, OSError) as e:
            print(f"WRONG: {name}, allocation {n}{f' and {many} more' if many else ''}: the hub has ended {e!r}", flush=True)
            return
        came[word] = came.get(word, 0) + 1
    print(f"{done} of {len(todo)} trials: {came}; failed: {h.faults.struck('later')}", flush=True)
    if wrong == 0:
        print("each: all is well", flush=True)


def secure(h, at, *who):
    r = subprocess.run(["coap-client-openssl", "-B", "2", *who, f"{at}/{LEVEL}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = r.stdout.decode("utf-8", "replace").strip()
    if not re.fullmatch(r"[0-9.]+", out):
        return "refused"
    return "good" if float(out) == h.level else f"wrong {out}"


def newcomer(h):
    c = h.client()
    try:
        shows(h, c.good(("2.05",), GET, LEVEL, [(ACCEPT, b"")]))
        return "good"
    except Refused:
        return "refused"
    finally:
        c.close()


def run_moments(h, seconds):
    """Clients of all kinds, each new; in moments without memory they may be refused."""
    h.other = h.client()
    again(h, put, h.other)
    level_is_known(h)
    psk, cert = ("-u", "tool-7", "-k", h.psk), ("-c", h.cert, "-j", h.key, "-R", h.ca)
    ways = {"coap": lambda: newcomer(h), "coap+tcp": lambda: secure(h, h.tcp),
            "dtls psk": lambda: secure(h, h.udp, *psk), "dtls certificate": lambda: secure(h, h.udp, *cert),
            "tls psk": lambda: secure(h, h.tls, *psk), "tls certificate": lambda: secure(h, h.tls, *cert)}
    came, over = {}, threading.Event()

    def visit():
        while not over.is_set():
            for name, way in ways.items():
                try:
                    h.need()
                    word = way()
                except (Gone, OSError):
                    return
                except (Wrong, Failed) as e:
                    word = f"wrong {e}"
                came[(name, word)] = came.get((name, word), 0) + 1

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    for v in visitors:
        v.start()
    end, moments = time.monotonic() + seconds, 0
    try:
        while time.monotonic() < end:
            h.need()
            time.sleep(random.random() * 0.03)
            # What the hub has at most is looked at in the first turn, and is all that it holds at the end of it.
            h.faults.set(memory=3)
            for _ in range(2):
                h.other.request(GET, LEVEL, kind=NON)
            h.faults.set(memory=2)
            time.sleep(random.choice([0.002, 0.005, 0.02, 0.1]))
            h.faults.set(memory=0)
            moments += 1
    except Refused as e:
        print(f"WRONG: with memory, before moment {moments}: {e}", flush=True)
        return
    except (Gone, OSError):
        print(f"WRONG: the hub has ended, in moment {moments}", flush=True)
        return
    finally:
        h.faults.set(memory=0)
        over.set()
        for v in visitors:
            v.join()
    for (name, word), n in sorted(came.items()):
        print(f"{'WRONG: ' if word.startswith('wrong') else ''}{name}: {n} {word}")
    deadline = time.monotonic() + 20
    for name, way in ways.items():
        while (word := way()) != "good":
            h.need()
            if time.monotonic() > deadline:
                print(f"WRONG: afterwards {name} is {word}", flush=True)
                return
    print(f"{moments} moments, allocations that failed: {h.faults.struck('memory')}", flush=True)
    print("moments: all is well", flush=True)


def main():
    named = dict(a.partition("=")[::2] for a in sys.argv[1:])
    random.seed(int(named.pop("seed")))
    what, seconds, only = named.pop("what"), float(named.pop("seconds")), named.pop("only", ".")
    hub = Hub(named)
    if what == "each":
        run_each(hub, seconds, only)
    else:
        run_moments(hub, seconds)


main()
