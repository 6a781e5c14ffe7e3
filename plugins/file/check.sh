#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The conformance suite.
build=${LINTEL_BUILDDIR:?}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
echo 21.5 >"$folder/level"
"$build/bin/lintel-plugin-check" "$build/plugins/file/file.so" --set "folder=$folder" --address file=level
