# SPDX-License-Identifier: Apache-2.0
"""What clients may ask of every CoAP server, asked of the hub's own tree: methods, options, conditions, formats, errors,
repeated messages, and what the library below does not do by itself."""
from core import links
from kit import case
from wire import *

LEVEL, COUNT = "d/store/Box/p/level", "d/store/Box/p/count"


# ---- repeated messages ----------------------------------------------------------------------------------------------

@case("CO-08.1", "a repeated confirmable POST is carried out once, and gets the same answer", lane="counter")
def repeated_con(s):
    c = s.client()
    sent = c.send(POST, "counter")
    first = c.answer(sent)
    for _ in range(3):
        c.send(sent)
        need(c.answer(sent).encode() == first.encode(), "another answer")
    need(c.ask(POST, "counter").payload == str(int(first.payload) + 1).encode(), "it was counted again")


@case("CO-08.2", "a repeated non-confirmable POST is ignored", lane="counter")
def repeated_non(s):
    c = s.client()
    sent = c.send(POST, "counter", NON)
    first = c.answer(sent)
    c.send(sent)
    c.silent("after a repeated message")
    need(c.ask(POST, "counter").payload == str(int(first.payload) + 1).encode(), "it was counted again")


@case("CO-08.3", "the same message id from another endpoint is another message", lane="counter")
def other_endpoint(s):
    c, d = s.client(), s.client()
    first = c.ask(POST, "counter", mid=4711)
    need(d.ask(POST, "counter", mid=4711).payload == str(int(first.payload) + 1).encode(), "taken for a repetition")


@case("CO-08.4", "a repeated request for a separate answer is acknowledged, and answered once")
def repeated_separate(s):
    c = s.client()
    sent = c.send(PUT, "separate/once", payload=b"x")
    for _ in range(2):
        m = c.expect("an acknowledgement")
        need(m.kind == ACK and m.code == 0 and m.mid == sent.mid, "no acknowledgement", m)
        c.send(sent)
    m = c.expect("an acknowledgement")
    need(m.kind == ACK and m.code == 0, "no acknowledgement", m)
    m = c.expect("the answer")
    need(m.kind == CON and m.dotted in ("2.01", "2.04"), "no answer", m)
    c.ack(m)
    c.send(sent)
    m = c.expect("an acknowledgement after the answer")
    need(m.kind == ACK and m.mid == sent.mid, "it is answered anew", m)
    c.quiet_for(3.5, "after the answer")


@case("CO-08.5", "a repeated PUT to a property reaches the device once", lane="level")
def repeated_put(s):
    c = s.client()
    sent = c.send(PUT, LEVEL, options=[(CONTENT_FORMAT, uint(50))], payload=b"11")
    c.send(sent)
    codes = {}
    while "2.04" not in codes.values():
        m = c.expect("the answer")
        codes[m.kind] = m.dotted
        if m.kind == CON:
            c.ack(m)
    other = s.client()
    need(written(other, b"12") == "2.04", "not written")
    c.send(sent)  # once more, late
    c.fence()
    m = value(other, b"12")
    need(m.payload == b"12", "the repeated message was carried out", m)


def written(c, payload, path=LEVEL, options=(), form=50):
    """PUT of a value; the code of the answer, which may be separate."""
    sent = c.send(PUT, path, options=[(CONTENT_FORMAT, uint(form)), *options], payload=payload)
    return c.final(sent).dotted


def value(c, wanted, path=LEVEL):
    """GET until the value is there: what was written is shown once it was read back."""
    for _ in range(40):
        m = c.ask(GET, path)
        if m.payload == wanted:
            break
        time.sleep(0.05)
    return m


# ---- what the library does not do -----------------------------------------------------------------------------------

@case("P1", "repeated messages are recognised: CO-08, and for 247 s on the fake clock in coap_test", lane="counter")
def p1(s):
    repeated_con(s)


@case("P2", "DELETE of no resource gets 4.04, not libcoap's 2.02")
def p2(s):
    for path in ("nowhere", "rd/nowhere", "d/nowhere"):
        m = s.client().ask(DELETE, path)
        need(m.dotted in ("4.04", "4.05"), path, m)


@case("P3", "Hop-Limit is elective: a request with the value 1 is answered",
      known="libcoap answers 5.08, and 4.00 to 0, before the transport sees the request")
def p3(s):
    need(s.client().ask(GET, "test", options=[(HOP_LIMIT, uint(1))]).dotted == "5.08", "mended: take it off the list")
    need(s.client().ask(GET, "test", options=[(HOP_LIMIT, b"\0")]).dotted == "4.00", "mended: take it off the list")
    need(s.client().ask(GET, "test", options=[(HOP_LIMIT, uint(2))]).dotted == "2.05", "a value that lets it through")


@case("P4", "FETCH without Content-Format gets 4.00, with an unknown one 4.15")
def p4(s):
    c = s.client()
    need(c.ask(FETCH, "query", payload=b"x").dotted == "4.00", "without format")
    need(c.ask(FETCH, "query", options=[(CONTENT_FORMAT, uint(60))], payload=b"x").dotted == "4.15", "an unknown one")
    m = c.ask(FETCH, "query", options=[(CONTENT_FORMAT, b"")], payload=b"x")
    need(m.dotted == "2.05" and m.payload == b"x", "the known one", m)


@case("P5", "/.well-known/core minds Accept")
def p5(s):
    c = s.client()
    m = c.ask(GET, ".well-known/core", options=[(ACCEPT, uint(40))])
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == 40, "40", m)
    need(c.ask(GET, ".well-known/core", options=[(ACCEPT, uint(50))]).dotted == "4.06", "50")


@case("P6", "several criteria at once: all have to be met")
def p6(s):
    need(links(s.client(), ".well-known/core?rt=block&ct=0&sz=*").keys() == {"/large", "/large-update"}, "three")
    need(links(s.client(), ".well-known/core?rt=Type2&if=If2").keys() == {"/link2"}, "two")
    need(not links(s.client(), ".well-known/core?rt=Type1&if=If2"), "none")


@case("P7", "Uri-Query is taken as the bytes that came")
def p7(s):
    c = s.client()
    for query in (b"b=2%3", b"a&b=c?d/e", "ä=ö".encode(), b"=", b"%00"):
        m = c.ask(GET, "query", options=[(URI_QUERY, query)])
        need(m.dotted == "2.05" and m.payload == b"?" + query, "another query", m)


@case("P9", "each observer of a path gets what it asked for: format and conditions")
def p9(s):
    c, d, e = s.client(), s.client(), s.client()
    as_json = c.ask(GET, COUNT, options=[(OBSERVE, b""), (ACCEPT, uint(50))])
    as_senml = d.ask(GET, COUNT, options=[(OBSERVE, b""), (ACCEPT, uint(110))])
    seldom = e.ask(GET, COUNT + "?c.pmin=60", options=[(OBSERVE, b"")])
    need(as_json.get(OBSERVE) is not None and seldom.get(OBSERVE) is not None, "not registered", as_json, seldom)
    for _ in range(3):
        need(c.notification(as_json.token).payload.isdigit(), "no bare number")
        need(d.notification(as_senml.token).payload.startswith(b"[{"), "no SenML")
    e.silent("c.pmin")


@case("P10", "a reset to a non-confirmable notification ends the observation")
def p10(s):
    c = s.client()
    first = c.ask(GET, "obs-non", options=[(OBSERVE, b"")])
    while (m := c.notification(first.token)).kind != NON:
        pass  # one now and then is confirmable
    c.rst(m)
    c.quiet_for(1.2, "after the reset")


@case("P11", "what is found by the catch-all can be observed")
def p11(s):
    for path in (COUNT, "d/store/s", "obs-non"):
        m = s.client().ask(GET, path, options=[(OBSERVE, b"")])
        need(m.get(OBSERVE) is not None, path, m)


@case("P12", "an unknown critical option in a non-confirmable request gets 4.02",
      known="libcoap sends a reset, which RFC 7252 section 5.4.1 allows too")
def p12(s):
    c = s.client()
    sent = c.send(GET, "test", NON, options=[(2049, b"x")])
    m = c.expect("something")
    need(m.kind == RST and m.mid == sent.mid, "mended: take it off the list", m)
    m = c.ask(GET, "test", options=[(2049, b"x")])
    need(m.dotted == "4.02", "confirmable", m)


@case("P15", "No-Response is obeyed (RFC 7967)")
def p15(s):
    c = s.client()
    c.send(GET, "test", NON, options=[(NO_RESPONSE, uint(2))])
    c.silent("2.05 is not wanted")
    sent = c.send(PUT, "large", options=[(NO_RESPONSE, uint(2))])
    need(c.answer(sent).dotted == "4.05", "an error is")
    sent = c.send(GET, "test", options=[(NO_RESPONSE, uint(2))])
    m = c.expect("an acknowledgement")
    need(m.kind == ACK and m.code == 0 and m.mid == sent.mid, "confirmable: an empty acknowledgement", m)


@case("P19", "a path that ends in a slash is another resource")
def p19(s):
    m = s.client().ask(GET, "d/store", options=[(URI_PATH, b"")])
    need(m.dotted == "4.04", "with an empty segment", m)


# ---- requirements ---------------------------------------------------------------------------------------------------

@case("CO-01", "links: ct once, as a list; all attributes of things' resources")
def co_01(s):
    found = links(s.client(), "d/store")
    point = found["/" + COUNT]
    need({"rt", "if", "ct", "obs"} <= point.keys() and point["ct"].split() == ["50", "60", "110", "112", "0"], "attributes", point)
    need("obs" in found["/d/store/s"], "the pack", found)
    need(links(s.client(), ".well-known/core?href=/d/store").keys() == {"/d/store"}, "filter")


@case("CO-02", "a method that is not there gets 4.05, a code that nobody knows too")
def co_02(s):
    for kind in (CON, NON):
        for path in ("test", COUNT, ".well-known/core", "nowhere"):
            for unknown in (8, 15, 31):
                m = s.client().ask(unknown, path, kind)
                need(m.dotted == "4.05", f"0.{unknown:02} of {path}", m)
    for method in (POST, DELETE, PATCH, IPATCH):
        m = s.client().ask(method, COUNT, options=[(CONTENT_FORMAT, uint(50))], payload=b"1" if method != DELETE else b"")
        need(m.dotted == "4.05", f"0.{method:02}", m)
    c = s.client()
    sent = [c.send(m, "test") for m in (GET, 9, GET, 30, 31, GET)]  # many in one turn
    came = {m.mid: m.dotted for m in (c.expect("an answer") for _ in sent)}
    need([came.get(m.mid) for m in sent] == ["2.05", "4.05", "2.05", "4.05", "4.05", "2.05"], "not in order", came)


@case("CO-03", "ETag, If-Match and If-None-Match of a property", lane="level")
def co_03(s):
    c = s.client()
    need(written(c, b"20") == "2.04", "not written")
    first = value(c, b"20")
    etag = first.get(ETAG)
    m = c.ask(GET, LEVEL, options=[(ETAG, b"other"), (ETAG, etag)])
    need(m.dotted == "2.03" and m.get(ETAG) == etag and not m.payload, "not valid", m)
    need(written(c, b"21", options=[(IF_MATCH, b"other")]) == "4.12", "If-Match of another")
    need(written(c, b"21", options=[(IF_NONE_MATCH, b"")]) == "4.12", "If-None-Match")
    need(written(c, b"21", options=[(IF_MATCH, etag)]) == "2.04", "If-Match")
    need(value(c, b"21").get(ETAG) != etag, "another value, another tag")


@case("CO-04", "Accept and Content-Format of a property", lane="level")
def co_04(s):
    c = s.client()
    for form in (0, 50, 60, 110, 112):
        m = c.ask(GET, LEVEL, options=[(ACCEPT, uint(form))])
        need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == form, f"format {form}", m)
    need(c.ask(GET, LEVEL, options=[(ACCEPT, uint(42))]).dotted == "4.06", "Accept")
    need(written(c, b"1", form=42) == "4.15", "Content-Format")
    for form, payload in ((0, b"31"), (50, b"32"), (60, b"\x18\x21")):
        need(written(c, payload, form=form) == "2.04", f"format {form} is taken")


@case("CO-05", "Max-Age of a property is what is left of its poll; of the pack too")
def co_05(s):
    c = s.client()
    for path in (COUNT, LEVEL, "d/store/s"):
        age = c.ask(GET, path).uint(MAX_AGE)
        need(age is not None and age <= 1, f"{path} is polled each 0.2 s, Max-Age is {age}")


@case("CO-06", "a slow device: an empty acknowledgement, then a confirmable answer")
def co_06(s):
    c = s.client()
    sent = c.send(GET, "d/slow/Box/p/count")
    m = c.expect("an acknowledgement", 1.9)
    need(m.kind == ACK and m.code == 0 and m.mid == sent.mid, "no empty acknowledgement", m)
    m = c.expect("the answer", 15)
    need(m.kind == CON and m.token == sent.token and m.dotted in ("2.05", "5.04"), "no answer", m)
    c.ack(m)


@case("CO-06.1", "a device that answers with an error: 5.02 with the reason")
def co_06_1(s):
    c = s.client()
    m = c.final(c.send(GET, "d/broken/Box/p/count"))
    need(m.dotted == "5.02" and m.payload and m.get(CONTENT_FORMAT) is None, "no 5.02 with a text", m)


@case("CO-07", "errors in words; as concise problem details (RFC 9290) where Accept asks for them")
def co_07(s):
    c = s.client()
    m = c.ask(GET, "d/nowhere")
    need(m.dotted == "4.04" and m.get(CONTENT_FORMAT) is None and m.payload.decode(), "no words", m)
    for path, wanted in (("d/nowhere", "4.04"), ("d/store/Box/p/nothing", "4.04"), (COUNT, "4.06")):
        m = c.ask(GET, path, options=[(ACCEPT, uint(257))])
        need(m.dotted == wanted and m.uint(CONTENT_FORMAT) == 257, "no problem details", m)
        # {-1: title, -4: code}
        need(m.payload[:1] == b"\xa2" and m.payload[1] == 0x20 and m.payload[-3:] == bytes([0x23, 0x18, m.code]), "not as written", m)
    m = c.ask(PUT, LEVEL, options=[(CONTENT_FORMAT, uint(50)), (ACCEPT, uint(257))], payload=b"101")
    need(m.dotted == "4.22" and m.uint(CONTENT_FORMAT) == 257 and b"maximum" in m.payload, "out of range", m)


@case("CO-10.6", "a property and a list in blocks; a PUT in blocks to a property", lane="level")
def co_10_6(s):
    c = s.client()
    body, first = c.get_blocks("d/store/s", 1, [(ACCEPT, uint(110))])
    need(first.dotted == "2.05" and body.startswith(b"[{") and body.endswith(b"}]"), "the pack", first)
    m = c.put_blocks(PUT, LEVEL, b"44" + b" " * 40, 0, [(CONTENT_FORMAT, uint(50))])
    need(m.dotted == "2.04" and m.block(BLOCK1) == (2, False, 0), "not written", m)
    need(value(c, b"44").payload == b"44", "another value")


@case("CO-11", "FETCH, PATCH and iPATCH: 4.00 and 4.15 for formats, 4.05 where there are none, nothing half done", lane="level")
def co_11(s):
    c = s.client()
    before = c.ask(GET, LEVEL).payload
    for method in (PATCH, IPATCH):
        need(c.ask(method, LEVEL, options=[(CONTENT_FORMAT, uint(50))], payload=b"99").dotted == "4.05", f"0.{method:02}")
    need(c.ask(FETCH, LEVEL, options=[(CONTENT_FORMAT, uint(50))], payload=b"1").dotted == "4.05", "FETCH")
    need(c.ask(FETCH, LEVEL, payload=b"1").dotted == "4.00", "FETCH without format")
    need(c.ask(GET, LEVEL).payload == before, "something was changed")


@case("CO-16", "too many requests of one client get 4.29 with Max-Age: equal ones first, then all; others are not hurt")
def co_16(s):
    c, d = s.client(s.limited_port), s.client()
    sent = [c.send(GET, "test") for _ in range(20)]
    codes = [c.answer(m) for m in sent]
    ok = [m for m in codes if m.dotted == "2.05"]
    refused = [m for m in codes if m.dotted == "4.29"]
    need(10 <= len(ok) <= 15 and len(ok) + len(refused) == 20, f"{len(ok)} of 20 were served in a moment")
    need(all((m.uint(MAX_AGE) or 0) >= 1 for m in refused), "no Max-Age")
    need(c.ask(GET, "seg1/seg2/seg3").dotted == "2.05", "another resource is another request")
    more = [c.ask(GET, f"query?n={n}").dotted for n in range(100)]
    need("4.29" in more and "2.05" in more, "all together have a limit too", more)
    need(d.ask(GET, "test").dotted == "2.05", "another listener is not hurt")
    time.sleep(refused[0].uint(MAX_AGE) + 0.2)
    need(c.ask(GET, "test").dotted == "2.05", "after Max-Age it is served again")


@case("CO-18", "Proxy-Uri and Proxy-Scheme get 5.05")
def co_18(s):
    c = s.client()
    need(c.ask(GET, "test", options=[(PROXY_URI, b"coap://[::1]/test")]).dotted == "5.05", "Proxy-Uri")
    need(c.ask(GET, "test", options=[(PROXY_SCHEME, b"http"), (URI_HOST, b"example.net")]).dotted == "5.05", "Proxy-Scheme")


@case("CO-19", "a ping gets a reset, and nothing else")
def co_19(s):
    c = s.client()
    c.raw(Message(CON, 0, 1).encode())
    m = c.expect("a reset")
    need(m.encode() == b"\x70\x00\x00\x01", "no reset", m)
    c.silent("after it")
