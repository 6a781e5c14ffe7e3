# CoAP conformance from raw datagrams, on a whole hub.
conformance_files = tests/conformance/block.py tests/conformance/core.py tests/conformance/group.py tests/conformance/hub.py \
	tests/conformance/kit.py tests/conformance/observe.py tests/conformance/purposes.py tests/conformance/run.py \
	tests/conformance/wire.py
dist_check_SCRIPTS += tests/conformance/conformance.sh
EXTRA_DIST += $(conformance_files) docs/conformance.md
if HAVE_COAP
TESTS += tests/conformance/conformance.sh
endif
