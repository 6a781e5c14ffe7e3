# SPDX-License-Identifier: Apache-2.0
"""TD_COAP_OBS of the ETSI plugtests (cabo/td-coap4), and CO-09. The resources change each half second here."""
import subprocess

from kit import case
from wire import *

ORDER = 1 << 24


def later(new, old):
    """RFC 7641 section 3.4."""
    return new != old and (new - old) % ORDER < ORDER // 2


class Observation:
    """Registers; checks what all notifications must have."""

    def __init__(self, c, path, kind=CON, options=(), token=None):
        self.c, self.path, self.options = c, path, list(options)
        self.first = c.ask(GET, path, kind, options=[(OBSERVE, b""), *options], token=token)
        self.token = self.first.token
        need(self.first.dotted == "2.05" and self.first.get(OBSERVE) is not None, "not registered", self.first)
        self.order, self.mids = self.first.uint(OBSERVE), set()

    def next(self, kinds=(CON, NON), seconds=None, ack=True):
        m = self.c.notification(self.token, seconds, ack)
        need(m.kind in kinds, "not of the kind", m)
        need(m.mid not in self.mids, "a message id twice", m)
        self.mids.add(m.mid)
        need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == self.first.uint(CONTENT_FORMAT), "another format", m)
        need(later(m.uint(OBSERVE), self.order), f"order {m.uint(OBSERVE)} after {self.order}", m)
        self.order = m.uint(OBSERVE)
        return m

    def last(self, dotted):
        """What ends it."""
        while True:
            m = self.c.notification(self.token)
            if m.dotted != "2.05":
                break
        need(m.kind == CON and m.dotted == dotted and m.get(OBSERVE) is None, f"no final {dotted}", m)


def values(o, kinds, n=3):
    seen = {o.first.payload}
    for _ in range(n):
        seen.add(o.next(kinds).payload)
    need(len(seen) == n + 1, "it does not change", seen)


@case("TD_COAP_OBS_01", "observation with confirmable notifications")
def obs_01(s):
    values(Observation(s.client(), "obs"), (CON,))


@case("TD_COAP_OBS_02", "observation with non-confirmable notifications")
def obs_02(s):
    o = Observation(s.client(), "obs-non", NON)
    kinds = [o.next().kind for _ in range(6)]
    need(kinds.count(CON) <= 2, "not non-confirmable, but for one now and then", kinds)


@case("TD_COAP_OBS_04", "client detects the end by Max-Age, registers anew with its token")
def obs_04(s):
    c = s.client()
    o = Observation(c, "obs")
    age = o.next((CON,)).uint(MAX_AGE)
    need(age is not None and 0 < age < 60, "no Max-Age to go by")
    c.ask(GET, "obs", token=o.token, options=[(OBSERVE, uint(1))])  # the server loses it
    c.quiet_for(1.2, "after the server has lost it")
    o = Observation(c, "obs", token=o.token)
    o.next((CON,))


@case("TD_COAP_OBS_05", "server detects the end by silence of the client; what it repeats is the same message (RFC 7641 section "
      "4.5.2 leaves a newer one to the server)")
def obs_05(s):
    """On a listener with ackTimeout 1 and maxRetransmit 1: it gives up after 3 to 4.5 s instead of 62 to 93."""
    c = s.client(s.fast_port)
    o = Observation(c, "obs")
    m = o.next((CON,), ack=False)
    again = c.expect("a repetition")
    need(again.mid == m.mid and again.token == m.token, "another message while one is under way", m, again)
    c.quiet_for(4.5, "after the last repetition")


@case("TD_COAP_OBS_06", "server detects the end by a reset")
def obs_06(s):
    c = s.client()
    o = Observation(c, "obs")
    o.next((CON,))
    c.rst(o.next((CON,), ack=False))
    c.quiet_for(1.2, "after the reset")


@case("TD_COAP_OBS_07", "DELETE of the resource ends all observations with 4.04", lane="last")
def obs_07(s):
    c, d = s.client(), s.client()
    o, p = Observation(c, "obs"), Observation(d, "obs")
    o.next((CON,))
    need(s.client().ask(DELETE, "obs").dotted == "2.02", "not deleted")
    o.last("4.04")
    p.last("4.04")
    c.quiet_for(1.2, "after the last notification")


@case("TD_COAP_OBS_08", "another Content-Format ends the observation with 4.06", lane="last")
def obs_08(s):
    c = s.client()
    o = Observation(c, "obs")
    o.next((CON,))
    need(s.client().ask(PUT, "obs", options=[(CONTENT_FORMAT, uint(50))], payload=b"1").dotted == "2.04", "not changed")
    o.last("4.06")
    c.quiet_for(1.2, "after the last notification")
    s.client().ask(DELETE, "obs")


@case("TD_COAP_OBS_09", "update of the observed resource", lane="last")
def obs_09(s):
    c = s.client()
    time.sleep(0.6)  # the resource that the last case deleted is made anew
    o = Observation(c, "obs")
    value = os.urandom(4).hex().encode()
    need(s.client().ask(PUT, "obs", options=[(CONTENT_FORMAT, b"")], payload=value).dotted == "2.04", "not changed")
    for _ in range(3):
        if o.next((CON,)).payload == value:
            break
    else:
        raise Failed("the new value never came")
    s.client().ask(DELETE, "obs")


@case("TD_COAP_OBS_10", "a GET with another token ends no observation")
def obs_10(s):
    c = s.client()
    o = Observation(c, "obs-non")
    o.next()
    sent = c.send(GET, "obs-non")
    while (m := c.expect("the answer")).token != sent.token:
        need(m.token == o.token, "a stranger", m)
    need(m.kind == ACK and m.dotted == "2.05" and m.get(OBSERVE) is None, "no plain answer", m)
    values_seen = [c.notification(o.token).uint(OBSERVE) for _ in range(2)]
    need(later(values_seen[1], values_seen[0]), "it goes on", values_seen)


@case("TD_COAP_OBS_11", "confirmable notifications in a lossy context: never two under way")
def obs_11(s):
    c = s.client()
    o = Observation(c, "obs")
    m = o.next((CON,), ack=False)
    again = c.expect("a repetition")
    need(again.encode() == m.encode(), "another message while one is under way", m, again)
    c.ack(again)
    m = o.next((CON,))
    need(m.payload != again.payload, "an old value", m)


@case("TD_COAP_OBS_12", "GET with Observe 1 ends the observation")
def obs_12(s):
    c = s.client()
    o = Observation(c, "obs")
    o.next((CON,))
    sent = c.send(GET, "obs", token=o.token, options=[(OBSERVE, uint(1))])
    m = c.answer(sent)
    need(m.dotted == "2.05" and m.get(OBSERVE) is None, "no plain answer", m)
    c.quiet_for(1.2, "after the end")


def large(path):
    def run(s):
        """A notification brings the first block; the others are fetched, of the same representation."""
        c = s.client()
        o = Observation(c, path)
        m, sizes = o.first, set()
        for _ in range(3):
            need(m.block(BLOCK2)[:2] == (0, True) and len(m.payload) == 1024, "not the first block", m)
            parts, num = [m.payload], 1
            while True:
                sent = c.send(GET, path, options=[(BLOCK2, block(num, False, 6))])
                while (b := c.expect("a block")).token != sent.token:
                    need(b.token == o.token, "a stranger", b)
                    if b.kind == CON:
                        c.ack(b)
                need(b.dotted == "2.05" and b.get(OBSERVE) is None, "no block", b)
                if b.get(ETAG) != m.get(ETAG):
                    parts = []  # it has changed meanwhile: the client takes the next notification
                    break
                parts.append(b.payload)
                num += 1
                if not b.block(BLOCK2)[1]:
                    break
            if parts:
                sizes.add(len(b"".join(parts)))
                need(len(b"".join(parts)) == m.uint(SIZE2), "Size2", m)
                need(sum(p.count(b"\n") for p in parts) == -(-m.uint(SIZE2) // 64) - (m.uint(SIZE2) % 64 != 0), "lines", m)
            m = c.notification(o.token)
            need(m.dotted == "2.05" and m.get(OBSERVE) is not None, "no notification", m)
        need(sizes, "never a whole representation")
        need(path == "obs-large" or len(sizes) > 1, "the size does not vary", sizes)
    return run


case("TD_COAP_OBS_13", "observation of a large resource, with Block2")(large("obs-large"))
case("TD_COAP_OBS_14", "observation of a large resource of varying size, with Block2")(large("obs-pumping"))


@case("CO-09.1", "a real property: order, format and Max-Age of each notification")
def property_(s):
    o = Observation(s.client(), "d/store/Box/p/count")
    for _ in range(4):
        m = o.next()
        need(m.payload.isdigit() and (m.uint(MAX_AGE) is None or m.uint(MAX_AGE) <= 60), "no value", m)


@case("CO-09.2", "two observations of one client; a reset to a non-confirmable notification ends the one it is for")
def two(s):
    c = s.client()
    o = Observation(c, "d/store/Box/p/count")
    p = Observation(s.client(), "d/store/Box/p/count")
    m = o.next()
    while m.kind != NON:
        m = o.next()
    c.rst(m)
    c.fence()  # what was sent before the reset was read
    c.quiet_for(1, "after the reset")
    p.next()


@case("CO-09.3", "registering again with the same token replaces the observation")
def replaced(s):
    c = s.client()
    o = Observation(c, "obs-non")
    o.next()
    again = c.send(GET, "obs-non", token=o.token, options=[(OBSERVE, b"")])
    while (m := c.expect("the answer")).kind != ACK:
        if m.kind == CON:
            c.ack(m)
    need(m.mid == again.mid and later(m.uint(OBSERVE), o.first.uint(OBSERVE)), "no later order", m)
    first = c.notification(o.token)
    second = c.notification(o.token)
    need(first.payload != second.payload, "each change comes once", first, second)


@case("CO-09.4", "an observation of a thing that is removed ends with 4.04", lane="gone")
def gone(s):
    c = s.client()
    o = Observation(c, "d/leaving/Box/p/count")
    o.next()
    need(subprocess.run(s.leave, shell=True, capture_output=True).returncode == 0, "the site is not read again")
    o.last("4.04")
    need(c.ask(GET, "d/leaving/Box/p/count").dotted == "4.04", "it is still there")


@case("CO-20", "one confirmable message under way for a client, whatever it observes (NSTART 1)")
def nstart(s):
    c = s.client()
    sent = [c.send(GET, path, options=[(OBSERVE, b"")]) for path in ("obs", "obs-large", "obs-pumping")]
    tokens = {m.token for m in sent}
    flights = {}
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        m = c.receive(0.2)
        if m is not None and m.kind == CON:
            need(m.token in tokens, "a stranger", m)
            flights[m.mid] = m
    need(len(flights) == 1, f"{len(flights)} confirmable messages without an acknowledgement", *flights.values())
    c.ack(next(iter(flights.values())))
    m = c.expect("the next one")
    need(m.kind == CON and m.mid not in flights, "not the next", m)
    c.rst(m)
