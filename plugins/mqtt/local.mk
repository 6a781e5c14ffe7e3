plugins_PROGRAMS += plugins/mqtt/mqtt.so
plugins_mqtt_mqtt_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_mqtt_mqtt_so_LDFLAGS = $(PLUGIN_LINK)
plugins_mqtt_mqtt_so_LDADD = $(MQTT_LIBS)
mqtt_pure = \
	plugins/mqtt/mqtt_packet.c plugins/mqtt/mqtt_packet.h \
	plugins/mqtt/mqtt_route.c plugins/mqtt/mqtt_route.h \
	plugins/mqtt/mqtt_topic.c plugins/mqtt/mqtt_topic.h
mqtt_sources = $(mqtt_pure) \
	plugins/mqtt/mqtt.c plugins/mqtt/mqtt.h \
	plugins/mqtt/mqtt_inbox.c plugins/mqtt/mqtt_inbox.h \
	plugins/mqtt/mqtt_message.c \
	plugins/mqtt/mqtt_request.c \
	plugins/mqtt/mqtt_session.c \
	plugins/mqtt/mqtt_tap.c
plugins_mqtt_mqtt_so_SOURCES = $(mqtt_sources)
EXTRA_DIST += plugins/mqtt/README.md

if HAVE_CUNIT
mqtt_tests = \
	plugins/mqtt/mqtt_packet_test \
	plugins/mqtt/mqtt_route_test \
	plugins/mqtt/mqtt_test \
	plugins/mqtt/mqtt_topic_test
check_PROGRAMS += $(mqtt_tests)
TESTS += $(mqtt_tests)
plugins_mqtt_mqtt_packet_test_SOURCES = plugins/mqtt/mqtt_packet_test.c $(mqtt_pure)
plugins_mqtt_mqtt_packet_test_LDADD = $(KIT_LIBS)
plugins_mqtt_mqtt_route_test_SOURCES = plugins/mqtt/mqtt_route_test.c $(mqtt_pure)
plugins_mqtt_mqtt_route_test_LDADD = $(KIT_LIBS)
plugins_mqtt_mqtt_topic_test_SOURCES = plugins/mqtt/mqtt_topic_test.c $(mqtt_pure)
plugins_mqtt_mqtt_topic_test_LDADD = $(KIT_LIBS)
plugins_mqtt_mqtt_test_SOURCES = plugins/mqtt/mqtt_test.c $(mqtt_sources) \
	plugins/mqtt/mqtt_testhost.c plugins/mqtt/mqtt_testhost.h
plugins_mqtt_mqtt_test_LDADD = $(KIT_LIBS) $(MQTT_LIBS)
endif

FUZZERS += plugins/mqtt/mqtt_topic_fuzz
plugins_mqtt_mqtt_topic_fuzz_SOURCES = plugins/mqtt/mqtt_topic_fuzz.c $(mqtt_pure) $(FUZZ_MAIN)
plugins_mqtt_mqtt_topic_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_mqtt_mqtt_topic_fuzz_LDADD =
FUZZERS += plugins/mqtt/mqtt_packet_fuzz
plugins_mqtt_mqtt_packet_fuzz_SOURCES = plugins/mqtt/mqtt_packet_fuzz.c $(mqtt_pure) $(FUZZ_MAIN)
plugins_mqtt_mqtt_packet_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_mqtt_mqtt_packet_fuzz_LDADD =

dist_check_SCRIPTS += plugins/mqtt/check.sh
TESTS += plugins/mqtt/check.sh
FUZZERS += plugins/mqtt/mqtt_inbox_fuzz
plugins_mqtt_mqtt_inbox_fuzz_SOURCES = plugins/mqtt/mqtt_inbox_fuzz.c $(mqtt_pure) \
	plugins/mqtt/mqtt_inbox.c plugins/mqtt/mqtt_inbox.h $(FUZZ_MAIN)
plugins_mqtt_mqtt_inbox_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_mqtt_mqtt_inbox_fuzz_LDADD = $(MQTT_LIBS)
