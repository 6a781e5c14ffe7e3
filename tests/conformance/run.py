#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""CoAP conformance from raw datagrams: run.py [--only REGEXP] KEY=VALUE.. runs the cases against a hub with the plugtest
resources (conformance.sh starts one); run.py --page FILE compares the tables of a page with the cases, --write FILE makes
them."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import block  # noqa: E402,F401
import core  # noqa: E402,F401
import group  # noqa: E402,F401
import hub  # noqa: E402,F401
import kit  # noqa: E402
import observe  # noqa: E402,F401
import purposes  # noqa: E402,F401


def main(args):
    only = "."
    if args[:1] in (["--page"], ["--write"]):
        return kit.check_page(args[1], args[0] == "--write")
    if args[:1] == ["--only"]:
        only, args = args[1], args[2:]
    named = dict(a.split("=", 1) for a in args)
    for key in ("port", "fast_port", "limited_port", "max_body"):
        if key in named:
            named[key] = int(named[key])
    return 1 if kit.run(named, only) else 0


sys.exit(main(sys.argv[1:]))
