# The CoAP transport, on libcoap.
coap_sources = \
	plugins/coap/coap.c plugins/coap/coap_server.h \
	plugins/coap/coap_address.c plugins/coap/coap_address.h \
	plugins/coap/coap_answer.c plugins/coap/coap_answer.h \
	plugins/coap/coap_block.c plugins/coap/coap_block.h \
	plugins/coap/coap_certificate.c plugins/coap/coap_certificate.h \
	plugins/coap/coap_dedup.c plugins/coap/coap_dedup.h \
	plugins/coap/coap_dtls.c plugins/coap/coap_dtls.h \
	plugins/coap/coap_client.c plugins/coap/coap_client.h \
	plugins/coap/coap_echo.c plugins/coap/coap_echo.h \
	plugins/coap/coap_fast.c plugins/coap/coap_fast.h \
	plugins/coap/coap_group.c plugins/coap/coap_group.h \
	plugins/coap/coap_guard.c plugins/coap/coap_guard.h \
	plugins/coap/coap_uri.c plugins/coap/coap_uri.h \
	plugins/coap/coap_io.c plugins/coap/coap_io.h \
	plugins/coap/coap_limit.c plugins/coap/coap_limit.h \
	plugins/coap/coap_listen.c plugins/coap/coap_listen.h \
	plugins/coap/coap_netlink.c plugins/coap/coap_netlink.h \
	plugins/coap/coap_observe.c plugins/coap/coap_observe.h \
	plugins/coap/coap_odd.c plugins/coap/coap_odd.h \
	plugins/coap/coap_peer.c plugins/coap/coap_peer.h \
	plugins/coap/coap_places.c plugins/coap/coap_places.h \
	plugins/coap/coap_prefix.c plugins/coap/coap_prefix.h \
	plugins/coap/coap_request.c plugins/coap/coap_request.h \
	plugins/coap/coap_rest.c plugins/coap/coap_rest.h \
	plugins/coap/coap_reserve.c plugins/coap/coap_reserve.h \
	plugins/coap/coap_response.c plugins/coap/coap_response.h \
	plugins/coap/coap_serve.c plugins/coap/coap_serve.h \
	plugins/coap/coap_session.c plugins/coap/coap_session.h \
	plugins/coap/coap_stack.c plugins/coap/coap_stack.h \
	plugins/coap/coap_suites.c plugins/coap/coap_suites.h

plugins_PROGRAMS += plugins/coap/coap.so
plugins_coap_coap_so_SOURCES = $(coap_sources)
plugins_coap_coap_so_CFLAGS = $(PLUGIN_COMPILE) $(COAP_CFLAGS)
plugins_coap_coap_so_LDFLAGS = $(PLUGIN_LINK)
plugins_coap_coap_so_LDADD = $(COAP_LIBS)

# The tests link the transport itself, so that sanitizers see it.
if HAVE_CUNIT
check_LIBRARIES += plugins/coap/libcoaptest.a
plugins_coap_libcoaptest_a_SOURCES = $(coap_sources) \
	plugins/coap/coap_testclient.c plugins/coap/coap_testclient.h \
	plugins/coap/coap_testhost.c plugins/coap/coap_testhost.h \
	plugins/coap/coap_testwire.c plugins/coap/coap_testwire.h
plugins_coap_libcoaptest_a_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS) $(CUNIT_CFLAGS)
coap_test_libs = plugins/coap/libcoaptest.a $(KIT_LIBS) $(COAP_LIBS)
coap_tests = plugins/coap/coap_test plugins/coap/coap_client_test plugins/coap/coap_dtls_test \
	plugins/coap/coap_fast_test plugins/coap/coap_observe_test plugins/coap/coap_places_test \
	plugins/coap/coap_prefix_test plugins/coap/coap_reserve_test plugins/coap/coap_stream_test \
	plugins/coap/coap_group_test plugins/coap/coap_guard_test plugins/coap/coap_odd_test plugins/coap/coap_send_test
check_PROGRAMS += $(coap_tests)
TESTS += $(coap_tests)
plugins_coap_coap_test_SOURCES = plugins/coap/coap_test.c
plugins_coap_coap_test_LDADD = $(coap_test_libs)
plugins_coap_coap_fast_test_SOURCES = plugins/coap/coap_fast_test.c
plugins_coap_coap_fast_test_LDADD = $(coap_test_libs)
plugins_coap_coap_observe_test_SOURCES = plugins/coap/coap_observe_test.c
plugins_coap_coap_observe_test_LDADD = $(coap_test_libs)
plugins_coap_coap_dtls_test_SOURCES = plugins/coap/coap_dtls_test.c
plugins_coap_coap_dtls_test_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS) $(CUNIT_CFLAGS)
plugins_coap_coap_dtls_test_LDADD = $(coap_test_libs)
plugins_coap_coap_stream_test_SOURCES = plugins/coap/coap_stream_test.c
plugins_coap_coap_stream_test_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS) $(CUNIT_CFLAGS)
plugins_coap_coap_stream_test_LDADD = $(coap_test_libs)
plugins_coap_coap_odd_test_SOURCES = plugins/coap/coap_odd_test.c
plugins_coap_coap_odd_test_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS)
plugins_coap_coap_odd_test_LDADD = $(coap_test_libs)
plugins_coap_coap_client_test_SOURCES = plugins/coap/coap_client_test.c
plugins_coap_coap_client_test_LDADD = $(coap_test_libs)
plugins_coap_coap_group_test_SOURCES = plugins/coap/coap_group_test.c
plugins_coap_coap_group_test_LDADD = $(coap_test_libs)
plugins_coap_coap_guard_test_SOURCES = plugins/coap/coap_guard_test.c
plugins_coap_coap_guard_test_LDADD = $(coap_test_libs)
plugins_coap_coap_send_test_SOURCES = plugins/coap/coap_send_test.c
plugins_coap_coap_send_test_LDADD = $(coap_test_libs)
plugins_coap_coap_places_test_SOURCES = plugins/coap/coap_places_test.c
plugins_coap_coap_places_test_LDADD = $(coap_test_libs)
plugins_coap_coap_reserve_test_SOURCES = plugins/coap/coap_reserve_test.c
plugins_coap_coap_reserve_test_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS) $(CUNIT_CFLAGS)
plugins_coap_coap_reserve_test_LDADD = $(coap_test_libs)
plugins_coap_coap_prefix_test_SOURCES = plugins/coap/coap_prefix_test.c
plugins_coap_coap_prefix_test_LDADD = $(coap_test_libs)
endif

FUZZERS += plugins/coap/coap_request_fuzz plugins/coap/coap_fuzz plugins/coap/coap_certificate_fuzz \
	plugins/coap/coap_netlink_fuzz \
	plugins/coap/coap_response_fuzz plugins/coap/coap_odd_fuzz
plugins_coap_coap_certificate_fuzz_SOURCES = plugins/coap/coap_certificate_fuzz.c \
	plugins/coap/coap_certificate.c plugins/coap/coap_certificate.h $(FUZZ_MAIN)
plugins_coap_coap_certificate_fuzz_CFLAGS = $(AM_CFLAGS)
plugins_coap_coap_certificate_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_coap_coap_certificate_fuzz_LDADD = -lmbedx509 -lmbedcrypto
plugins_coap_coap_odd_fuzz_SOURCES = plugins/coap/coap_odd_fuzz.c plugins/coap/coap_odd.c $(FUZZ_MAIN)
plugins_coap_coap_odd_fuzz_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS)
plugins_coap_coap_odd_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_coap_coap_odd_fuzz_LDADD = $(COAP_LIBS)
plugins_coap_coap_request_fuzz_SOURCES = plugins/coap/coap_request_fuzz.c \
	plugins/coap/coap_request.c plugins/coap/coap_answer.c $(FUZZ_MAIN)
plugins_coap_coap_request_fuzz_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS)
plugins_coap_coap_request_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_coap_coap_request_fuzz_LDADD = $(COAP_LIBS)
plugins_coap_coap_response_fuzz_SOURCES = plugins/coap/coap_response_fuzz.c $(coap_sources) $(FUZZ_MAIN)
plugins_coap_coap_response_fuzz_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS)
plugins_coap_coap_response_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_coap_coap_response_fuzz_LDADD = $(COAP_LIBS)
plugins_coap_coap_fuzz_SOURCES = plugins/coap/coap_fuzz.c \
	plugins/coap/coap_testhost.c plugins/coap/coap_testhost.h $(coap_sources) $(FUZZ_MAIN)
plugins_coap_coap_fuzz_CFLAGS = $(AM_CFLAGS) $(COAP_CFLAGS)
plugins_coap_coap_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_coap_coap_fuzz_LDADD = $(COAP_LIBS)
plugins_coap_coap_netlink_fuzz_SOURCES = plugins/coap/coap_netlink_fuzz.c \
	plugins/coap/coap_netlink.c $(FUZZ_MAIN)
plugins_coap_coap_netlink_fuzz_CFLAGS = $(AM_CFLAGS)
plugins_coap_coap_netlink_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)

EXTRA_DIST += plugins/coap/README.md

dist_check_SCRIPTS += plugins/coap/check.sh
TESTS += plugins/coap/check.sh
