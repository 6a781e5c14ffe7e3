# SPDX-License-Identifier: Apache-2.0
"""Requests to a group (RFC 7252 section 8.2): who has nothing to say is silent. They are sent to all CoAP nodes of a link, in a
network of the test's own (conformance.sh makes it)."""
from kit import Skipped, case
from wire import *

LEISURE = 5.5  # DEFAULT_LEISURE, within which an answer may come, and a little


def to_group(s, path, method=GET, kind=NON, options=()):
    """What comes to a request to all CoAP nodes of the link."""
    if not hasattr(s, "interface"):
        raise Skipped("it needs a network of its own")
    c = s.client()
    c.to = ("ff02::fd", s.port, 0, socket.if_nametoindex(s.interface))
    sent = c.send(method, path, kind, options=options)
    end, came = time.monotonic() + LEISURE, []
    while (left := end - time.monotonic()) > 0:
        m = c.receive(left)
        if m is not None:
            came.append(m)
    return sent, came


@case("P13.1", "discovery by a group request: a non-confirmable answer within DEFAULT_LEISURE")
def discovery(s):
    sent, came = to_group(s, ".well-known/core?rt=Type1")
    need(len(came) == 1, "not one answer", *came)
    m = came[0]
    need(m.kind == NON and m.token == sent.token and m.dotted == "2.05" and b"</link1>" in m.payload, "no links", m)


def silence(name, what, *args, **named):
    def run(s):
        _, came = to_group(s, *args, **named)
        need(not came, "silence was expected", *came)
    case(name, f"{what}: silence")(run)


silence("P13.2", "no link matches", ".well-known/core?rt=nothing")
silence("P13.3", "no such resource", "nowhere")
silence("P13.4", "a group may not be told to change anything", "test", method=PUT)
silence("P13.5", "a method that nobody knows", "test", method=9)
silence("P13.6", "a confirmable request to a group", ".well-known/core?rt=Type1", kind=CON)
silence("P13.7", "a resource that is not for groups", "test")
