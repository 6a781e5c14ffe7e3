# SPDX-License-Identifier: Apache-2.0
"""The purposes of ETSI TS 103 596 for servers that are about messages, options and separate responses (RFC 7252), as a
table. Where a purpose asks for what RFC 7252 forbids, the RFC counts, and the text says so with "by RFC 7252"."""
from core import separate
from kit import case
from wire import *

REJECTED = "rejected"  # a reset or silence (RFC 7252 sections 4.2 and 4.3 allow both)
SILENCE = "silence"


def plain(kind, code_, **named):
    return lambda c: Message(kind, code_, c.next_mid(), **named).encode()


def lying(token_length, token=b""):
    return lambda c: Message(CON, GET, c.next_mid(), token, path_options("test")).encode(token_length)


FORMAT = [
    # id, what, the datagram, what has to come
    ("Header_Version_001", "version 1", plain(CON, 0), "reset"),
    ("Header_Version_002", "version 3", plain(CON, 0, version=3), SILENCE),
    ("Header_Type_CON_001", "a confirmable request", plain(CON, GET, options=path_options("test")), "2.05"),
    ("Header_Type_CON_002", "a confirmable response", plain(CON, code("2.03")), REJECTED),
    ("Header_Type_CON_003", "a confirmable message of a reserved class", plain(CON, code("1.00")), REJECTED),
    ("Header_Type_NON_001", "a non-confirmable request", plain(NON, GET, options=path_options("test")), "2.05"),
    ("Header_Type_NON_002", "an empty non-confirmable message", plain(NON, 0), REJECTED),
    ("Header_Type_NON_003", "a non-confirmable response", plain(NON, code("2.03")), REJECTED),
    ("Header_Type_NON_004", "a message of a reserved class", plain(CON, code("6.00")), REJECTED),
    ("Header_Type_ACK_001", "an acknowledgement with a request", plain(ACK, POST, options=path_options("counter")), SILENCE),
    ("Header_Type_ACK_002", "an acknowledgement of a reserved class", plain(ACK, code("7.00")), SILENCE),
    ("Header_Type_RST_001", "a reset that is not empty", plain(RST, POST, options=path_options("counter")), SILENCE),
    ("Header_TokenLength_001", "a token", plain(CON, GET, token=b"token", options=path_options("test")), "2.05"),
    ("Header_TokenLength_002", "a token that is shorter than its length says",
     lambda c: Message(CON, GET, c.next_mid()).encode(token_length=5), REJECTED),
    ("Header_TokenLength_003", "a reserved token length", lying(9, b"123456789"), REJECTED),
    ("Header_Code_Content", "GET of a resource", plain(CON, GET, options=path_options("test")), "2.05"),
    ("Header_Code_MethodNotAllowed", "a method that the resource has not", plain(CON, DELETE, options=path_options("large")), "4.05"),
    ("Header_Code_NotFound", "GET of no resource", plain(CON, GET, options=path_options("nowhere")), "4.04"),
    ("Header_Code_Created", "PUT of a new resource",
     lambda c: Message(CON, PUT, c.next_mid(), b"", path_options("storage/" + os.urandom(4).hex()), b"x").encode(), "2.01"),
    ("Header_Code_Changed", "PUT of a resource", plain(CON, PUT, options=path_options("test"), payload=b"x"), "2.04"),
    ("Header_Code_Deleted", "DELETE of a resource", plain(CON, DELETE, options=path_options("test")), "2.02"),
    ("Payload_Marker_ZeroLength_001", "a marker without payload",
     lambda c: Message(CON, GET, c.next_mid(), b"", path_options("test")).encode(marker=True), REJECTED),
]


def format_case(make, wanted):
    def run(s):
        c = s.client()
        data = make(c)
        sent = c.mid
        c.raw(data)
        if wanted in (SILENCE, REJECTED):
            came = c.fence()
            allowed = wanted == REJECTED and len(came) == 1 and came[0].kind == RST and came[0].mid == sent
            need(not came or allowed, f"{wanted} was expected", *came)
            need(c.ask(GET, "test").dotted == "2.05", "and the next request is answered")
            return
        m = c.expect("an answer")
        if wanted == "reset":
            need(m.kind == RST and m.mid == sent and m.code == 0 and not m.token, "no reset", m)
            return
        confirmable = data[0] >> 4 & 3 == CON
        need((m.kind == ACK and m.mid == sent) if confirmable else m.kind == NON, "not the kind of answer", m)
        need(m.dotted == wanted and m.token == data[4:4 + (data[0] & 15)], f"not {wanted} with the token", m)
    return run


for name, what, make, wanted in FORMAT:
    case(f"TP_CoAP_MessageFormat_{name}", f"{what}: {wanted}")(format_case(make, wanted))


# ---- separate responses ---------------------------------------------------------------------------------------------

SEPARATE = [
    # id, method, path (? is new each time), is it there before, code
    ("GET_001", GET, "separate", None, "2.05"),
    ("POST_001", POST, "separate/?", False, "2.01"),
    ("POST_002", POST, "separate/?/new2", True, "2.04"),
    ("POST_003", POST, "separate/?/new1a", True, "2.04"),
    ("POST_004", POST, "separate-read", None, "4.05"),
    ("PUT_001", PUT, "separate/?", False, "2.01"),
    ("PUT_002", PUT, "separate/?", True, "2.04"),
    ("DELETE_001", DELETE, "separate/?", True, "2.02"),
    ("DELETE_002", DELETE, "separate/?", False, "2.02"),
]


def separate_case(method, path, before, wanted):
    def run(s):
        c, where = s.client(), path.replace("?", os.urandom(4).hex())
        body = {"payload": b"New1/New2"} if method in (POST, PUT) else {}
        if before:
            c.ack(separate(c, c.send(PUT, where, payload=b"before")))
        sent = c.send(method, where, token=b"", **body)
        m = separate(c, sent)
        c.ack(m)
        need(m.dotted == wanted, f"not {wanted}", m)
        if before is not None:
            s.client().send(DELETE, where)
    return run


for name, method, path, before, wanted in SEPARATE:
    there = {None: "", True: ", which is there", False: ", which is not there"}[before]
    case(f"TP_CoAP_Server_Separate_Response_{name}",
         f"{('GET', 'POST', 'PUT', 'DELETE')[method - 1]}{there}: an empty acknowledgement, later {wanted}"
         )(separate_case(method, path, before, wanted))


# ---- options --------------------------------------------------------------------------------------------------------

def option(name, what):
    return case(f"TP_CoAP_Server_Options_{name}", what)


def simple(name, what, method, path, options, wanted, check=None, payload=b""):
    def run(s):
        m = s.client().ask(method, path, options=options, payload=payload)
        need(m.dotted == wanted, f"not {wanted}", m)
        need(check is None or check(m), "not the answer", m)
    option(name, f"{what}: {wanted}")(run)


def new(c, payload=b"before"):
    """A resource of this case alone, and its ETag."""
    path = "storage/" + os.urandom(4).hex()
    need(c.ask(PUT, path, payload=payload).dotted == "2.01", "not made")
    return path, c.ask(GET, path).get(ETAG)


HOST = [(URI_HOST, b"example.net")]
PROXY = (PROXY_URI, b"coap://example.net/test")
simple("UriHost_001", "Uri-Host and Uri-Port of the server", GET, "test", [(URI_HOST, b"::1"), (URI_PORT, uint(5683))], "2.05")
simple("UriHost_002", "another Uri-Host", GET, "test", HOST, "2.05")
simple("UriPath_001", "Uri-Host and /.well-known/core", GET, ".well-known/core", HOST, "2.05", lambda m: m.uint(CONTENT_FORMAT) == 40)
simple("UriPath_002", "a path of several segments", GET, "seg1/seg2/seg3", [], "2.05")


@option("UriPath_003", "POST to a path that is there: 2.04 and its Location-Path")
def uri_path_003(s):
    c = s.client()
    path, _ = new(c)
    m = c.ask(POST, path, payload=b"New1/New2")
    need(m.dotted == "2.04" and m.all(LOCATION_PATH) == [p.encode() for p in path.split("/")], "no change", m)
    c.ask(DELETE, path)


@option("UriPath_004", "PUT to a path that is there: 2.04")
def uri_path_004(s):
    c = s.client()
    path, _ = new(c)
    need(c.ask(PUT, path, payload=b"after").dotted == "2.04", "no change")
    c.ask(DELETE, path)


@option("UriQuery_001", "the odd URI of RFC 7252 section 6.4 is taken apart as it stands: 2.05, 4.04")
def uri_query_001(s):
    c = s.client()
    m = c.ask(GET, "query", options=[(URI_QUERY, b"//"), (URI_QUERY, b"?&")])
    need(m.dotted == "2.05" and m.payload == b"?//&?&", "another query", m)
    m = c.ask(GET, "", options=[(URI_PATH, b""), (URI_PATH, b"/"), (URI_PATH, b""), (URI_PATH, b"")])
    need(m.dotted == "4.04", "no resource has this path", m)


simple("ProxyUri_001", "Proxy-Uri; this is no proxy", GET, "", [PROXY], "5.05")
simple("ProxyUri_002", "Proxy-Uri goes before Uri-Host and Uri-Path", GET, "test", [*HOST, PROXY], "5.05")
simple("ProxyUri_01", "Proxy-Uri with another scheme", GET, "", [(PROXY_URI, b"http://example.net/")], "5.05")


@option("ContentFormat_001", "a payload with Content-Format is kept with it: 2.01, 2.05 (a GET has no payload by RFC 7252)")
def content_format_001(s):
    c = s.client()
    path = "storage/" + os.urandom(4).hex()
    need(c.ask(PUT, path, options=[(CONTENT_FORMAT, uint(50))], payload=b"[1]").dotted == "2.01", "not taken")
    m = c.ask(GET, path)
    need(m.uint(CONTENT_FORMAT) == 50 and m.payload == b"[1]", "another format", m)
    c.ask(DELETE, path)


@option("ContentFormat_002", "a payload without Content-Format is taken; a GET's is ignored: 2.05 by RFC 7252")
def content_format_002(s):
    c = s.client()
    path, _ = new(c)
    need(c.ask(PUT, path, payload=b"after").dotted == "2.04", "not taken")
    need(c.ask(GET, path, payload=b"what a GET does not have").payload == b"after", "not ignored")
    c.ask(DELETE, path)


simple("ContentAccept_001", "Accept of a format that there is", GET, "multi-format", [(ACCEPT, uint(50))], "2.05",
       lambda m: m.uint(CONTENT_FORMAT) == 50)
simple("ContentAccept_002", "Accept of a format that there is not", GET, "multi-format", [(ACCEPT, uint(60))], "4.06")
simple("MaxAgeFresh_001", "Max-Age of what changes", GET, "obs-non", [], "2.05", lambda m: 1 <= m.uint(MAX_AGE) < 60)
simple("ETagResponse_001", "ETag of 1 to 8 bytes", GET, "validate", [], "2.05", lambda m: 1 <= len(m.get(ETAG)) <= 8)
simple("ETagResponse_01", "ETag beside Accept", GET, "multi-format", [(ACCEPT, uint(41))], "2.05", lambda m: m.get(ETAG))
simple("ETagResponse_02", "ETag only once", GET, "test", [], "2.05", lambda m: len(m.all(ETAG)) == 1)


@option("EtagRequest_001", "ETag of the representation: 2.03")
def etag_request_001(s):
    c = s.client()
    path, etag = new(c)
    m = c.ask(GET, path, options=[(ETAG, etag)])
    need(m.dotted == "2.03" and m.get(ETAG) == etag and not m.payload, "not valid", m)
    c.ask(DELETE, path)


@option("ETagRequest_01", "several ETags, one of the representation: 2.03")
def etag_request_01(s):
    c = s.client()
    path, etag = new(c)
    need(c.ask(GET, path, options=[(ETAG, b"other"), (ETAG, etag)]).dotted == "2.03", "not valid")
    c.ask(DELETE, path)


simple("LocationPathLocationQuery_001", "Location-Path and Location-Query", POST, "location-query", [], "2.01",
       lambda m: m.all(LOCATION_PATH) and m.all(LOCATION_QUERY))


@option("LocationPathLocationQuery_002", "reserved options 128, 132, 136, 140, elective and so ignored by RFC 7252: 2.05")
def reserved_options(s):
    for reserved in (128, 132, 136, 140):
        m = s.client().ask(GET, "test", options=[(reserved, b"x")])
        need(m.dotted == "2.05", f"option {reserved}", m)


simple("Location_Path_Location_Query_01", "Location-Path in a request, elective and so ignored by RFC 7252", GET, "test",
       [(LOCATION_PATH, b"..")], "2.05")
simple("Location_Path_Location_Query_02", "and beside a reserved one", GET, "test", [(LOCATION_PATH, b"x"), (128, b"x")], "2.05")


def conditional(name, what, options, wanted):
    """options(etag) of a PUT; whether it was made is seen by GET."""
    def run(s):
        c = s.client()
        path, etag = new(c)
        m = c.ask(PUT, path, options=options(etag), payload=b"after")
        need(m.dotted == wanted, f"not {wanted}", m)
        need(c.ask(GET, path).payload == (b"after" if wanted == "2.04" else b"before"), "it says one thing and does another")
        c.ask(DELETE, path)
    option(name, f"{what}: {wanted}")(run)


conditional("IfMatch_001", "If-Match of the representation", lambda e: [(IF_MATCH, e)], "2.04")
conditional("IfMatch_002", "If-Match of another one (4.12 by RFC 7252)", lambda e: [(IF_MATCH, b"other")], "4.12")
conditional("Conditional_Request_01", "several If-Match, none of them met", lambda e: [(IF_MATCH, b"a"), (IF_MATCH, b"b")], "4.12")
conditional("Conditional_Request_02", "several If-Match, one of them met", lambda e: [(IF_MATCH, b"a"), (IF_MATCH, e)], "2.04")
conditional("Conditional_Request_03", "an empty If-Match: it has to exist", lambda e: [(IF_MATCH, b"")], "2.04")
conditional("IfNoneMatch_002", "If-None-Match of what exists", lambda e: [(IF_NONE_MATCH, b"")], "4.12")
conditional("NonRepeatable_001", "If-None-Match twice", lambda e: [(IF_NONE_MATCH, b""), (IF_NONE_MATCH, b"")], "4.02")


@option("IfNoneMatch_001", "If-None-Match of what does not exist: 2.01")
def if_none_match_001(s):
    c = s.client()
    path = "storage/" + os.urandom(4).hex()
    need(c.ask(PUT, path, options=[(IF_NONE_MATCH, b"")], payload=b"x").dotted == "2.01", "not created")
    c.ask(DELETE, path)


simple("Size1__01", "a body of a size that is too large", PUT, "storage/x", [(BLOCK1, block(0, True, 6)), (SIZE1, uint(1 << 31))],
       "4.13", lambda m: m.uint(SIZE1) > 0, bytes(1024))
