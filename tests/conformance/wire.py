# SPDX-License-Identifier: Apache-2.0
"""CoAP messages (RFC 7252 section 3) as bytes, and a client that hides nothing: no retransmission, no automatic
acknowledgement, no caching. Only the standard library."""
import os
import select
import socket
import time

CON, NON, ACK, RST = range(4)
GET, POST, PUT, DELETE, FETCH, PATCH, IPATCH = range(1, 8)
(IF_MATCH, URI_HOST, ETAG, IF_NONE_MATCH, OBSERVE, URI_PORT, LOCATION_PATH, URI_PATH, CONTENT_FORMAT, MAX_AGE, URI_QUERY,
 HOP_LIMIT, ACCEPT, LOCATION_QUERY, BLOCK2, BLOCK1, SIZE2, PROXY_URI, PROXY_SCHEME, SIZE1, NO_RESPONSE) = (
    1, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 20, 23, 27, 28, 35, 39, 60, 258)


class Failed(Exception):
    """A case does not hold."""


def need(holds, text, *about):
    if not holds:
        raise Failed(text + "".join(f"\n{a}" for a in about))


def code(dotted):
    """'4.05' as a number."""
    head, tail = dotted.split(".")
    return int(head) << 5 | int(tail)


def uint(n):
    return n.to_bytes((n.bit_length() + 7) // 8, "big")


def number(b):
    return int.from_bytes(b, "big")


def block(num, more, szx):
    return uint(num << 4 | (8 if more else 0) | szx)


def extended(n):
    """Nibble and further bytes of an option's delta or length."""
    if n < 13:
        return n, b""
    return (13, bytes([n - 13])) if n < 269 else (14, (n - 269).to_bytes(2, "big"))


class Message:
    def __init__(self, kind, code_, mid=0, token=b"", options=(), payload=b"", version=1):
        self.kind, self.code, self.mid, self.token = kind, code_, mid, token
        self.options, self.payload, self.version = list(options), payload, version

    def encode(self, token_length=None, marker=None):
        """token_length and marker: for messages that lie."""
        tkl = len(self.token) if token_length is None else token_length
        out = bytes([self.version << 6 | self.kind << 4 | tkl, self.code]) + self.mid.to_bytes(2, "big") + self.token
        last = 0
        for num, value in sorted(self.options, key=lambda o: o[0]):
            (delta, delta_more), (length, length_more) = extended(num - last), extended(len(value))
            out += bytes([delta << 4 | length]) + delta_more + length_more + value
            last = num
        if marker if marker is not None else self.payload:
            out += b"\xff"
        return out + self.payload

    @classmethod
    def decode(cls, data):
        """What a server sends has to be well-formed to the last byte."""
        need(len(data) >= 4, f"shorter than a header: {data.hex()}")
        version, kind, tkl = data[0] >> 6, data[0] >> 4 & 3, data[0] & 15
        need(version == 1 and tkl <= 8, f"no header: {data.hex()}")
        m = cls(kind, data[1], number(data[2:4]), data[4:4 + tkl])
        need(len(m.token) == tkl, f"the token is cut off: {data.hex()}")
        at, last = 4 + tkl, 0
        need(m.code != 0 or at == len(data) == 4, f"an empty message that is not empty: {data.hex()}")

        def more(nibble):
            nonlocal at
            size = {13: 1, 14: 2}.get(nibble, 0)
            need(nibble != 15 and at + size <= len(data), f"a malformed option: {data.hex()}")
            value = nibble if size == 0 else number(data[at:at + size]) + (13 if size == 1 else 269)
            at += size
            return value

        while at < len(data) and data[at] != 0xff:
            head = data[at]
            at += 1
            last += more(head >> 4)
            length = more(head & 15)
            need(at + length <= len(data), f"an option is cut off: {data.hex()}")
            m.options.append((last, data[at:at + length]))
            at += length
        if at < len(data):
            need(at + 1 < len(data), f"a marker without payload: {data.hex()}")
            m.payload = data[at + 1:]
        return m

    def all(self, num):
        return [v for n, v in self.options if n == num]

    def get(self, num):
        values = self.all(num)
        need(len(values) <= 1, f"option {num} more than once", self)
        return values[0] if values else None

    def uint(self, num):
        value = self.get(num)
        return None if value is None else number(value)

    def block(self, num):
        """(number, more, szx) of a Block option."""
        v = self.uint(num)
        return None if v is None else (v >> 4, bool(v & 8), v & 7)

    @property
    def dotted(self):
        return f"{self.code >> 5}.{self.code & 31:02}"

    def __repr__(self):
        kind = ("CON", "NON", "ACK", "RST")[self.kind]
        options = " ".join(f"{n}={v.hex()}" for n, v in self.options)
        return f"{kind} {self.dotted} mid={self.mid} token={self.token.hex()} [{options}] {self.payload[:80]!r}"


def path_options(path):
    """Options of 'a/b?c=d'."""
    path, _, query = path.partition("?")
    return ([(URI_PATH, s.encode()) for s in path.split("/") if path] +
            [(URI_QUERY, s.encode()) for s in query.split("&") if query])


class Client:
    """One socket: one endpoint in the server's eyes."""

    def __init__(self, to, patience=8):
        self.to, self.patience = to, patience
        self.sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.mid = number(os.urandom(2))

    def close(self):
        self.sock.close()

    def next_mid(self):
        self.mid = self.mid + 1 & 0xffff
        return self.mid

    def raw(self, data):
        self.sock.sendto(data, self.to)

    def make(self, method, path, kind=CON, options=(), payload=b"", token=None, mid=None):
        return Message(kind, method, self.next_mid() if mid is None else mid, os.urandom(4) if token is None else token,
                       path_options(path) + list(options), payload)

    def send(self, *args, **named):
        m = args[0] if isinstance(args[0], Message) else self.make(*args, **named)
        self.raw(m.encode())
        return m

    def receive(self, seconds=None):
        """The next message, None: nothing came."""
        if not select.select([self.sock], [], [], self.patience if seconds is None else seconds)[0]:
            return None
        return Message.decode(self.sock.recv(65536))

    def expect(self, what, seconds=None):
        m = self.receive(seconds)
        need(m is not None, f"{what}: nothing came")
        return m

    def ack(self, m):
        self.raw(Message(ACK, 0, m.mid).encode())

    def rst(self, m):
        self.raw(Message(RST, 0, m.mid).encode())

    def ask(self, *args, **named):
        """Sends a request, returns the answer: piggybacked to a CON, a NON to a NON."""
        sent = self.send(*args, **named)
        return self.answer(sent)

    def answer(self, sent):
        m = self.expect(f"an answer to {sent}")
        if sent.kind == CON:
            need(m.kind == ACK and m.mid == sent.mid, f"not the acknowledgement of {sent}", m)
        else:
            need(m.kind == NON, f"the answer to a non-confirmable request is confirmable, or none", m)
        need(m.code != 0, "an empty message instead of an answer", m)
        need(m.token == sent.token, "another token", m)
        return m

    def final(self, sent):
        """The answer, piggybacked or separate."""
        m = self.expect(f"an answer to {sent}")
        if m.kind == ACK and m.code == 0 and m.mid == sent.mid:
            m = self.expect(f"the separate answer to {sent}")
            need(m.kind == CON, "a separate answer has to be confirmable", m)
        need(m.token == sent.token and m.code != 0, "not the answer", m)
        if m.kind == CON:
            self.ack(m)
        return m

    def fence(self):
        """Asks for something else, returns what comes until its answer: what the server had to say before. It reads in
        order, so nothing is waited for. (Not by a ping: libcoap sends a peer no two resets at once.)"""
        sent, before = self.send(GET, "test"), []
        while (m := self.expect("the answer of the fence")).token != sent.token or m.kind != ACK:
            before.append(m)
        return before

    def silent(self, what):
        came = self.fence()
        need(not came, f"{what}: silence was expected", *came)

    def notification(self, token, seconds=None, ack=True):
        """The next notification of an observation; acknowledged if it asks for that."""
        m = self.expect("a notification", seconds)
        need(m.kind in (CON, NON) and m.token == token, "no notification of this observation", m)
        if ack and m.kind == CON:
            self.ack(m)
        return m

    def quiet_for(self, seconds, what):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            m = self.receive(left)
            need(m is None, f"{what}: silence was expected", m)

    def get_blocks(self, path, szx, options=(), first=None, method=GET):
        """All blocks of a representation from the first answer on, each checked; (body, first answer)."""
        if first is None:
            first = self.ask(method, path, options=[*options, (BLOCK2, block(0, False, szx))])
        size_option, body, m, num = first.uint(SIZE2), b"", first, 0
        while True:
            got = m.block(BLOCK2)
            need(got is not None and got[0] == num, f"not block {num}", m)
            need(got[2] <= szx, "a larger block than was asked for", m)
            size = 16 << got[2]
            need(len(m.payload) == size if got[1] else 0 < len(m.payload) <= size, "a block of a wrong size", m)
            need(m.get(ETAG) == first.get(ETAG), "the ETag changed under way", m)
            body += m.payload
            if not got[1]:
                break
            szx, num = got[2], len(body) >> got[2] + 4
            m = self.ask(method, path, options=[*options, (BLOCK2, block(num, False, szx))])
            need(m.code == first.code, "another code", m)
        need(size_option in (None, len(body)), f"Size2 says {size_option}, there were {len(body)} bytes", first)
        return body, first

    def put_blocks(self, method, path, body, szx, options=()):
        """Sends a body in blocks; the last answer."""
        size, num = 16 << szx, 0
        while True:
            part = body[num * size:(num + 1) * size]
            more = (num + 1) * size < len(body)
            extra = [(SIZE1, uint(len(body)))] if num == 0 else []
            m = self.final(self.send(method, path, options=[*options, *extra, (BLOCK1, block(num, more, szx))], payload=part))
            if not more or m.dotted != "2.31":
                return m
            need(m.block(BLOCK1) == (num, True, szx), f"not the Block1 of block {num}", m)
            num += 1
