# parts of tests/bench

# The CoAP transport against coap-server and a bare UDP echo.
EXTRA_PROGRAMS += tests/bench/coap_load tests/bench/udp_echo
tests_bench_coap_load_SOURCES = tests/bench/coap_load.c
tests_bench_udp_echo_SOURCES = tests/bench/udp_echo.c
EXTRA_DIST += tests/bench/coap_bench.sh
if HAVE_COAP
EXTRA_PROGRAMS += tests/bench/coap_host
tests_bench_coap_host_SOURCES = tests/bench/coap_host.c plugins/coap/coap_testhost.c plugins/coap/coap_testhost.h
tests_bench_coap_host_CFLAGS = $(AM_CFLAGS)
BENCHES += coap-bench
coap-bench: tests/bench/coap_load tests/bench/udp_echo tests/bench/coap_host plugins/coap/coap.so
	$(srcdir)/tests/bench/coap_bench.sh -b .
endif
