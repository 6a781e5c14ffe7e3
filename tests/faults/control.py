#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The numbers that tests/faults/faults.c reads while a program runs, and its counts of what it has done.

    control.py FILE new                  no fault
    control.py FILE set short=200 ..     from now on
    control.py FILE struck NAME          how often
    control.py FILE held                 bytes, of all that use the file
"""
import mmap
import struct
import sys

NAMES = ["short", "eintr", "disk", "emfile", "clock", "memory", "later", "many"]
SIZE = 64


def new(path):
    with open(path, "wb") as f:
        f.write(bytes(SIZE))


class Faults:
    def __init__(self, path):
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), SIZE)

    def set(self, **numbers):
        for name, number in numbers.items():
            struct.pack_into("<i", self.map, 4 * NAMES.index(name), number)

    def get(self, name):
        return struct.unpack_from("<i", self.map, 4 * NAMES.index(name))[0]

    def struck(self, name):
        return struct.unpack_from("<i", self.map, SIZE // 2 + 4 * NAMES.index(name))[0]

    def held(self):
        return struct.unpack_from("<i", self.map, SIZE - 4)[0]


def main(path, what, *args):
    if what == "new":
        new(path)
    elif what == "set":
        Faults(path).set(**{name: int(number) for name, _, number in (a.partition("=") for a in args)})
    elif what == "held":
        print(Faults(path).held())
    else:
        print(Faults(path).struck(args[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
