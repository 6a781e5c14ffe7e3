#!/bin/sh
# The tutorial's code is the plugin's code, is as short as it says, and compiles with the public header alone.
# SPDX-License-Identifier: Apache-2.0
set -eu
root=${LINTEL_SRCDIR:-.}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The C blocks, one empty line between two.
awk '/^```c$/ { if (n++) print ""; inside = 1; next } /^```$/ { inside = 0 } inside' \
    "$root/docs/tutorial-plugin.md" >"$scratch/file.c"
if ! diff -u "$root/plugins/file/file.c" "$scratch/file.c"; then
    echo "docs/tutorial-plugin.md and plugins/file/file.c differ: change both" >&2
    exit 1
fi
lines=$(wc -l <"$scratch/file.c")
if [ "$lines" -ge 60 ]; then
    echo "the tutorial's plugin has $lines lines, 60 or more" >&2
    exit 1
fi
if ! grep -q "in $lines lines" "$root/docs/tutorial-plugin.md"; then
    echo "docs/tutorial-plugin.md does not say that the plugin has $lines lines" >&2
    exit 1
fi
# As the tutorial builds it, with nothing but the public headers, and warnings as errors.
${CC:-cc} -I"$root/core/include" -O2 -Wall -Wextra -Werror -shared -fPIC -fvisibility=hidden -Wl,-z,defs \
    -o "$scratch/file.so" "$scratch/file.c"
exported=$(nm -D --defined-only "$scratch/file.so" | awk '{ print $3 }')
if [ "$exported" != lintel_plugin_entry ]; then
    echo "the plugin exports: $exported" >&2
    exit 1
fi
