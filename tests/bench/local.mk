# parts of tests/bench; run and make_site need nothing built of their own
EXTRA_DIST += tests/bench/run tests/bench/make_site

# The CoAP transport beside coap-server and a bare UDP echo; coap_bench.sh runs them.
coap_bench_programs = tests/bench/coap_load tests/bench/coap_observers tests/bench/coap_register \
	tests/bench/udp_echo
EXTRA_PROGRAMS += $(coap_bench_programs)
BENCHES += $(coap_bench_programs)
BENCH_WIRE = tests/bench/wire.c tests/bench/wire.h
tests_bench_coap_load_SOURCES = tests/bench/coap_load.c $(BENCH_WIRE)
tests_bench_coap_observers_SOURCES = tests/bench/coap_observers.c $(BENCH_WIRE)
tests_bench_coap_register_SOURCES = tests/bench/coap_register.c $(BENCH_WIRE)
tests_bench_udp_echo_SOURCES = tests/bench/udp_echo.c
EXTRA_DIST += tests/bench/coap_bench.sh tests/bench/dtls_bench.sh
# The same plugin in a thread and in a child.
EXTRA_PROGRAMS += tests/bench/hosting
BENCHES += tests/bench/hosting
tests_bench_hosting_SOURCES = tests/bench/hosting.c core/plug/plug_kit.c core/plug/plug_kit.h
tests_bench_hosting_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
if HAVE_COAP_OPENSSL
EXTRA_PROGRAMS += tests/bench/dtls_load
BENCHES += tests/bench/dtls_load
tests_bench_dtls_load_SOURCES = tests/bench/dtls_load.c
tests_bench_dtls_load_CFLAGS = $(AM_CFLAGS) $(COAP_TLS_CFLAGS)
tests_bench_dtls_load_LDADD = $(COAP_TLS_LIBS) -lcrypto
endif
if HAVE_COAP
EXTRA_PROGRAMS += tests/bench/coap_host
BENCHES += tests/bench/coap_host
tests_bench_coap_host_SOURCES = tests/bench/coap_host.c plugins/coap/coap_testhost.c plugins/coap/coap_testhost.h
endif
