# SPDX-License-Identifier: Apache-2.0
"""TD_COAP_CORE and TD_COAP_LINK of the ETSI plugtests (cabo/td-coap4), on the resources of the plugtest plugin."""
import re

from kit import case
from wire import *

NO_TOKEN = b""


def test_get(kind):
    def run(s):
        m = s.client().ask(GET, "test", kind)
        need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) is not None and m.payload, "no content", m)
    return run


@case("CO-08.6", "a non-confirmable answer has a message id of the server's own")
def own_mid(s):
    c = s.client()
    pairs = [(sent.mid, c.answer(sent).mid) for sent in (c.send(GET, "test", NON), c.send(GET, "test", NON))]
    need(any(a != b for a, b in pairs) and pairs[0][1] != pairs[1][1], "the request's", pairs)


def test_other(method, kind, codes):
    def run(s):
        body = {} if method == DELETE else {"payload": b"anything", "options": [(CONTENT_FORMAT, b"")]}
        m = s.client().ask(method, "test", kind, **body)
        need(m.dotted in codes, f"not {' or '.join(codes)}", m)
        need(not m.payload or m.get(CONTENT_FORMAT) is not None, "a payload without format", m)
    return run


for name, kind in (("01", CON), ("05", NON)):
    case(f"TD_COAP_CORE_{name}", f"GET, {('CON', 'NON')[kind]}")(test_get(kind))
for name, what, method, kind, codes in (("02", "DELETE", DELETE, CON, ["2.02"]), ("03", "PUT", PUT, CON, ["2.04", "2.01"]),
                                        ("04", "POST", POST, CON, ["2.01", "2.04"]), ("06", "DELETE", DELETE, NON, ["2.02"]),
                                        ("07", "PUT", PUT, NON, ["2.04", "2.01"]), ("08", "POST", POST, NON, ["2.01", "2.04"])):
    case(f"TD_COAP_CORE_{name}", f"{what}, {('CON', 'NON')[kind]}")(test_other(method, kind, codes))


def separate(c, sent, seconds=None):
    """An empty acknowledgement, later a confirmable answer with an id of the server's own."""
    m = c.expect("an acknowledgement", 1.9)
    need(m.kind == ACK and m.code == 0 and m.mid == sent.mid, "no empty acknowledgement within ACK_TIMEOUT", m)
    m = c.expect("the separate answer", seconds)
    need(m.kind == CON and m.token == sent.token, "no confirmable answer with the token", m)
    return m


@case("TD_COAP_CORE_09", "GET with a separate response, CON")
def core_09(s):
    c = s.client()
    sent = c.send(GET, "separate")
    m = separate(c, sent)
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) is not None and m.payload, "no content", m)
    c.ack(m)
    c.quiet_for(3.5, "after the acknowledgement")


@case("TD_COAP_CORE_10", "GET with tokens of 1 to 8 bytes")
def core_10(s):
    c = s.client()
    for n in range(1, 9):
        need(c.ask(GET, "test", token=os.urandom(n)).dotted == "2.05", f"a token of {n} bytes")


@case("TD_COAP_CORE_11", "GET with a token, separate response")
def core_11(s):
    c = s.client()
    sent = c.send(GET, "separate", token=b"8 bytes!")
    m = separate(c, sent)
    need(m.dotted == "2.05" and m.payload, "no content", m)
    c.ack(m)


@case("TD_COAP_CORE_12", "GET with an empty token")
def core_12(s):
    m = s.client().ask(GET, "test", token=NO_TOKEN)
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) is not None and m.payload, "no content", m)


@case("TD_COAP_CORE_13", "GET with several Uri-Path options")
def core_13(s):
    m = s.client().ask(GET, "seg1/seg2/seg3")
    need(m.dotted == "2.05" and m.payload == b"seg1, seg2, seg3", "no content", m)
    need(s.client().ask(GET, "seg1/seg2").dotted == "4.04", "a part of the path is no resource")


@case("TD_COAP_CORE_14", "GET with several Uri-Query options")
def core_14(s):
    m = s.client().ask(GET, "query?first=1&second=2&third=3")
    need(m.dotted == "2.05" and m.payload == b"?first=1&second=2&third=3", "not what was asked", m)


@case("TD_COAP_CORE_15", "GET in a lossy context: the request is repeated, the answer comes again")
def core_15(s):
    c = s.client()
    sent = c.send(GET, "test")
    first = c.answer(sent)
    c.send(sent)  # as if the answer had been lost
    again = c.answer(sent)
    need(first.encode() == again.encode(), "another answer", first, again)


@case("TD_COAP_CORE_16", "GET with a delayed response in a lossy context")
def core_16(s):
    c = s.client()
    sent = c.send(GET, "separate")
    m = c.expect("an acknowledgement", 1.9)
    need(m.kind == ACK and m.code == 0, "no acknowledgement", m)
    c.send(sent)  # its acknowledgement was lost
    m = c.expect("the acknowledgement again", 1.9)
    need(m.kind == ACK and m.code == 0 and m.mid == sent.mid, "no acknowledgement of the repeated request", m)
    first = c.expect("the answer")
    need(first.kind == CON and first.dotted == "2.05" and first.payload, "no answer", first)
    again = c.expect("the answer again, since nobody acknowledged it")
    need(again.encode() == first.encode(), "another message", first, again)
    c.ack(again)
    c.quiet_for(1, "after the acknowledgement")


@case("TD_COAP_CORE_17", "GET with a separate response, NON")
def core_17(s):
    c = s.client()
    sent = c.send(GET, "separate", NON)
    c.silent("before the answer")
    m = c.expect("the answer")
    need(m.kind == NON and m.token == sent.token and m.dotted == "2.05" and m.payload, "no answer", m)
    need(m.uint(CONTENT_FORMAT) is not None, "no format", m)


@case("TD_COAP_CORE_18", "POST, several Location-Path options")
def core_18(s):
    c = s.client()
    m = c.ask(POST, "test", options=[(CONTENT_FORMAT, b"")], payload=b"anything")
    need(m.dotted == "2.01" and m.all(LOCATION_PATH) == [b"location1", b"location2", b"location3"], "no location", m)
    need(c.ask(GET, "location1/location2/location3").dotted == "2.05", "it is not there")


@case("TD_COAP_CORE_19", "POST, several Location-Query options")
def core_19(s):
    m = s.client().ask(POST, "location-query", options=[(CONTENT_FORMAT, b"")], payload=b"anything")
    need(m.dotted == "2.01" and m.all(LOCATION_QUERY) == [b"first=1", b"second=2"], "no location", m)


@case("TD_COAP_CORE_20", "GET with Accept")
def core_20(s):
    c = s.client()
    m = c.ask(GET, "multi-format", options=[(ACCEPT, b"")])
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == 0 and m.payload == b"lintel", "no text", m)
    m = c.ask(GET, "multi-format", options=[(ACCEPT, uint(41))])
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == 41 and m.payload.startswith(b"<"), "no XML", m)


def tagged(c, path, *options):
    m = c.ask(GET, path, options=options)
    need(m.dotted == "2.05" and 1 <= len(m.get(ETAG) or b"") <= 8 and m.payload, "no content with an ETag", m)
    return m


@case("TD_COAP_CORE_21", "GET with ETag: 2.03 until it changes", lane="validate")
def core_21(s):
    c = s.client()
    first = tagged(c, "validate")
    m = c.ask(GET, "validate", options=[(ETAG, first.get(ETAG))])
    need(m.dotted == "2.03" and m.get(ETAG) == first.get(ETAG) and not m.payload, "not valid", m)
    need(s.client().ask(PUT, "validate", payload=os.urandom(8).hex().encode()).dotted == "2.04", "no change")
    m = tagged(c, "validate", (ETAG, first.get(ETAG)))
    need(m.get(ETAG) != first.get(ETAG) and m.payload != first.payload, "it has not changed", m)


@case("TD_COAP_CORE_22", "PUT with If-Match: 4.12 once it has changed", lane="validate")
def core_22(s):
    c = s.client()
    one, two = (os.urandom(8).hex().encode() for _ in range(2))
    etag = tagged(c, "validate").get(ETAG)
    need(c.ask(PUT, "validate", options=[(IF_MATCH, etag)], payload=one).dotted == "2.04", "a met condition")
    m = tagged(c, "validate")
    need(m.payload == one and m.get(ETAG) != etag, "not what was put", m)
    need(s.client().ask(PUT, "validate", payload=two).dotted == "2.04", "a change by another client")
    refused = c.ask(PUT, "validate", options=[(IF_MATCH, m.get(ETAG))], payload=b"too late")
    need(refused.dotted == "4.12", "a condition that is not met", refused)
    need(c.ask(GET, "validate").payload == two, "it was changed all the same")


@case("TD_COAP_CORE_23", "PUT with If-None-Match: 4.12 once it exists", lane="create")
def core_23(s):
    c = s.client()
    c.ask(DELETE, "create1")
    need(c.ask(GET, "create1").dotted == "4.04", "it is there already")
    need(c.ask(PUT, "create1", options=[(IF_NONE_MATCH, b"")], payload=b"first").dotted == "2.01", "not created")
    need(c.ask(PUT, "create1", options=[(IF_NONE_MATCH, b"")], payload=b"second").dotted == "4.12", "not refused")
    need(c.ask(GET, "create1").payload == b"first", "it was changed all the same")


@case("TD_COAP_CORE_31", "ping")
def core_31(s):
    c = s.client()
    c.raw(Message(CON, 0, 0x1234).encode())
    m = c.expect("a reset")
    need(m.kind == RST and m.code == 0 and m.mid == 0x1234 and m.encode() == b"\x70\x00\x12\x34", "no reset", m)


# ---- links ----------------------------------------------------------------------------------------------------------

def links(c, path):
    """target -> attributes; blocks put together."""
    m = c.ask(GET, path)
    body = m.payload
    need(m.dotted == "2.05" and m.uint(CONTENT_FORMAT) == 40, "no link format", m)
    if m.block(BLOCK2):
        body, _ = c.get_blocks(path, m.block(BLOCK2)[2], first=m)
    found = {}
    for link in re.findall(r'<[^>]*>(?:;[^,;="]+(?:=(?:"(?:[^"\\]|\\.)*"|[^,;"]*))?)*', body.decode()):
        target, *attributes = re.findall(r'<[^>]*>|[^;="]+(?:=(?:"(?:[^"\\]|\\.)*"|[^;"]*))?', link)
        pairs = {}
        for a in attributes:
            name, _, value = a.partition("=")
            need(name not in pairs, f"{name} stands twice in {link}")
            pairs[name] = value.strip('"')
        found[target[1:-1]] = pairs
    return found


@case("TD_COAP_LINK_01", "/.well-known/core")
def link_01(s):
    found = links(s.client(), ".well-known/core")
    need({"/test", "/link1", "/path", "/obs", "/large", "/d/store"} <= found.keys(), "resources are missing", found)
    need("obs" in found["/obs"] and found["/multi-format"]["ct"] == "0 41 50", "attributes are missing", found["/obs"])


def filtered(query, targets, exact=True):
    def run(s):
        found = links(s.client(), f".well-known/core?{query}")
        need(found.keys() == targets if exact else targets <= found.keys(), f"not {sorted(targets)}", sorted(found))
        return found
    return run


case("TD_COAP_LINK_02", "filter by rt")(filtered("rt=Type1", {"/link1", "/link3"}))


@case("TD_COAP_LINK_03", "filter by rt=*")
def link_03(s):
    found = filtered("rt=*", {"/link1", "/link2", "/link3", "/large"}, exact=False)(s)
    need(all("rt" in a for a in found.values()), "a link without rt", found)
    need("/test" not in found, "/test has no rt", found)


case("TD_COAP_LINK_04", "filter by one of several rt")(filtered("rt=Type2", {"/link1", "/link2"}))
case("TD_COAP_LINK_05", "filter by the beginning of if")(filtered("if=If*", {"/link1", "/link2"}))


@case("TD_COAP_LINK_06", "filter by sz=*")
def link_06(s):
    found = filtered("sz=*", {"/large", "/large-update"})(s)
    need(all(a["sz"].isdigit() for a in found.values()), "no sizes", found)


case("TD_COAP_LINK_07", "filter by href")(filtered("href=/link1", {"/link1"}))
case("TD_COAP_LINK_08", "filter by the beginning of href")(filtered("href=/link*", {"/link1", "/link2", "/link3"}))


@case("TD_COAP_LINK_09", "links arranged hierarchically")
def link_09(s):
    c = s.client()
    need(links(c, ".well-known/core")["/path"]["ct"] == "40", "/path is not a list")
    need(links(c, "path").keys() == {"/path/sub1", "/path/sub2", "/path/sub3"}, "not what is below")
    m = c.ask(GET, "path/sub1")
    need(m.dotted == "2.05" and m.payload == b"/path/sub1", "not the resource below", m)
