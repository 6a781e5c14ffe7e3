# SPDX-License-Identifier: Apache-2.0
"""TD_COAP_BLOCK of the ETSI plugtests (cabo/td-coap4), and more of RFC 7959: each size, what comes out of order, limits."""
from kit import case
from wire import *

LINES = ["large"] + ["of a representation that needs blocks"] * 26
LARGE = b"".join(f"{n:4} {line:58}\n".encode() for n, line in enumerate(LINES))[:1700]


def body_of(n):
    return bytes(97 + i % 26 for i in range(n))


@case("TD_COAP_BLOCK_01", "GET in blocks, early negotiation")
def block_01(s):
    for szx in range(7):
        body, first = s.client().get_blocks("large", szx)
        need(first.dotted == "2.05" and first.block(BLOCK2) == (0, True, szx), f"not the size that was asked: {szx}", first)
        need(body == LARGE, f"another representation with szx {szx}")


@case("TD_COAP_BLOCK_02", "GET in blocks, late negotiation")
def block_02(s):
    c = s.client()
    first = c.ask(GET, "large")
    need(first.dotted == "2.05" and first.block(BLOCK2) == (0, True, 6), "not the first block", first)
    need(first.uint(SIZE2) == len(LARGE), "Size2", first)
    body, num = first.payload, len(first.payload) >> 6  # the rest by 64 bytes
    while True:
        m = c.ask(GET, "large", options=[(BLOCK2, block(num, False, 2))])
        got = m.block(BLOCK2)
        need(got[0] == num and got[2] == 2 and m.get(ETAG) == first.get(ETAG), "not the block", m)
        body += m.payload
        num += 1
        if not got[1]:
            break
    need(body == LARGE, "another representation")


def update(path, method, codes):
    def run(s):
        for szx in (0, 2, 6):
            c, body = s.client(), body_of(1500)
            m = c.put_blocks(method, path, body, szx, [(CONTENT_FORMAT, b"")])
            need(m.dotted in codes and m.block(BLOCK1) == ((len(body) - 1) >> szx + 4, False, szx), "not taken", m)
            got, _ = c.get_blocks("/".join(v.decode() for v in m.all(LOCATION_PATH)) or path, 6)
            need(got == body, "not what was sent")
            if method == POST:
                need(len(m.all(LOCATION_PATH)) == 2 and m.all(LOCATION_PATH)[0] == b"large-create" and
                     b"/" not in m.all(LOCATION_PATH)[1], "no location", m)
    return run


case("TD_COAP_BLOCK_03", "PUT in blocks")(update("large-update", PUT, ["2.04"]))
case("TD_COAP_BLOCK_04", "POST in blocks that makes a resource")(update("large-create", POST, ["2.01"]))


@case("TD_COAP_BLOCK_05", "POST in blocks both ways")
def block_05(s):
    c, body = s.client(), body_of(3000)
    m = c.put_blocks(POST, "large-post", body, 6, [(CONTENT_FORMAT, b"")])
    need(m.dotted == "2.04" and m.block(BLOCK1) == (2, False, 6) and m.block(BLOCK2) == (0, True, 6), "no answer in blocks", m)
    got, _ = c.get_blocks("large-post", 6, [(CONTENT_FORMAT, b"")], first=m, method=POST)
    need(got == body.upper(), "not the answer to what was sent")


@case("TD_COAP_BLOCK_06", "GET in blocks of 16 bytes")
def block_06(s):
    body, first = s.client().get_blocks("large", 0)
    need(first.block(BLOCK2) == (0, True, 0) and len(first.payload) == 16 and body == LARGE, "not in blocks of 16", first)


@case("CO-10.1", "a block that is missing gets 4.08, and nothing is changed", lane="large-update-2")
def missing(s):
    c = s.client()
    need(c.ask(PUT, "storage/missing", options=[(BLOCK1, block(0, True, 2))], payload=bytes(64)).dotted == "2.31", "not taken")
    m = c.ask(PUT, "storage/missing", options=[(BLOCK1, block(2, False, 2))], payload=b"end")
    need(m.dotted == "4.08", "a gap", m)
    need(c.ask(GET, "storage/missing").dotted == "4.04", "it was made all the same")
    m = s.client().ask(PUT, "storage/missing", options=[(BLOCK1, block(1, False, 2))], payload=b"end")
    need(m.dotted == "4.08", "another client's blocks are not this client's", m)


@case("CO-10.2", "a body beyond the limit gets 4.13 with Size1: the resource's, and the transport's")
def too_large(s):
    c = s.client()
    m = c.put_blocks(PUT, "storage/too-large", bytes(9000), 6)
    need(m.dotted == "4.13" and m.uint(SIZE1) == 8192, "the resource's limit", m)
    m = c.ask(PUT, "storage/too-large", options=[(BLOCK1, block(0, True, 6)), (SIZE1, uint(1 << 30))], payload=bytes(1024))
    need(m.dotted == "4.13" and m.uint(SIZE1) == s.max_body, "announced too large", m)
    m = c.ask(PUT, "storage/too-large", options=[(BLOCK1, block(s.max_body >> 10, True, 6))], payload=bytes(1024))
    need(m.dotted in ("4.13", "4.08"), "beyond the transport's limit", m)
    need(c.ask(GET, "storage/too-large").dotted == "4.04", "it was made all the same")


@case("CO-10.3", "a block beyond the end, a reserved size, a block that is not full get 4.00")
def malformed(s):
    c = s.client()
    need(c.ask(GET, "large", options=[(BLOCK2, block(500, False, 6))]).dotted == "4.00", "beyond the end")
    need(c.ask(GET, "large", options=[(BLOCK2, block(0, False, 7))]).dotted == "4.00", "szx 7")
    m = c.ask(PUT, "storage/x", options=[(BLOCK1, block(0, True, 2))], payload=b"short")
    need(m.dotted == "4.00", "a short block that is not the last", m)


@case("CO-10.4", "two uploads of one client side by side do not mix")
def side_by_side(s):
    c = s.client()
    for num in range(3):
        for name in (b"a", b"b"):
            m = c.ask(PUT, f"storage/side-{name.decode()}", options=[(BLOCK1, block(num, num < 2, 2))], payload=name * 64)
            need(m.dotted == ("2.31" if num < 2 else "2.01"), "not taken", m)
    for name in ("a", "b"):
        need(c.ask(GET, f"storage/side-{name}").payload == name.encode() * 192, "mixed up")
        c.ask(DELETE, f"storage/side-{name}")


@case("CO-10.5", "FETCH in blocks both ways: the body is a part of the key")
def fetch(s):
    c = s.client()
    for n in (1500, 1600):
        body = body_of(n)
        m = c.put_blocks(FETCH, "query", body, 6, [(CONTENT_FORMAT, b"")])
        need(m.dotted == "2.05" and m.block(BLOCK2) == (0, True, 6), "no answer in blocks", m)
        got = m.payload
        m = c.ask(FETCH, "query", options=[(CONTENT_FORMAT, b""), (BLOCK2, block(1, False, 6))])
        need(m.dotted == "2.05" and got + m.payload == body, "another body's answer", m)
