plugins_PROGRAMS += plugins/modbus/modbus.so
modbus_pure = \
	plugins/modbus/modbus_pdu.c plugins/modbus/modbus_pdu.h \
	plugins/modbus/modbus_plan.c plugins/modbus/modbus_plan.h
# All but what waits and what opens a serial line: tests on a fake clock bring their own.
modbus_core = $(modbus_pure) \
	plugins/modbus/modbus.c plugins/modbus/modbus.h \
	plugins/modbus/modbus_given.c \
	plugins/modbus/modbus_learn.c plugins/modbus/modbus_learn.h \
	plugins/modbus/modbus_link.c plugins/modbus/modbus_link.h \
	plugins/modbus/modbus_need.c plugins/modbus/modbus_need.h \
	plugins/modbus/modbus_pause.h \
	plugins/modbus/modbus_read.c \
	plugins/modbus/modbus_tap.c plugins/modbus/modbus_tap.h \
	plugins/modbus/modbus_tape.c \
	plugins/modbus/modbus_tcp.c \
	plugins/modbus/modbus_time.c plugins/modbus/modbus_time.h \
	plugins/modbus/modbus_write.c
modbus_sources = $(modbus_core) \
	plugins/modbus/modbus_pause.c \
	plugins/modbus/modbus_rtu.c
plugins_modbus_modbus_so_CFLAGS = $(PLUGIN_COMPILE) $(MODBUS_CFLAGS)
plugins_modbus_modbus_so_LDFLAGS = $(PLUGIN_LINK)
plugins_modbus_modbus_so_SOURCES = $(modbus_sources)
plugins_modbus_modbus_so_LDADD = $(MODBUS_LIBS)
EXTRA_DIST += plugins/modbus/README.md plugins/modbus/modbus_pymodbus.py

if HAVE_CUNIT
modbus_tests = \
	plugins/modbus/modbus_learn_test \
	plugins/modbus/modbus_pdu_test \
	plugins/modbus/modbus_plan_test \
	plugins/modbus/modbus_real_test \
	plugins/modbus/modbus_tape_test \
	plugins/modbus/modbus_test
check_PROGRAMS += $(modbus_tests)
TESTS += $(modbus_tests)
plugins_modbus_modbus_pdu_test_SOURCES = plugins/modbus/modbus_pdu_test.c $(modbus_pure)
plugins_modbus_modbus_pdu_test_LDADD = $(KIT_LIBS)
plugins_modbus_modbus_learn_test_SOURCES = plugins/modbus/modbus_learn_test.c \
	plugins/modbus/modbus_learn.c plugins/modbus/modbus_learn.h $(modbus_pure)
plugins_modbus_modbus_learn_test_LDADD = $(KIT_LIBS)
plugins_modbus_modbus_plan_test_SOURCES = plugins/modbus/modbus_plan_test.c $(modbus_pure)
plugins_modbus_modbus_plan_test_LDADD = $(KIT_LIBS)
plugins_modbus_modbus_tape_test_CFLAGS = $(AM_CFLAGS) $(MODBUS_CFLAGS)
plugins_modbus_modbus_tape_test_SOURCES = plugins/modbus/modbus_tape_test.c $(modbus_sources)
plugins_modbus_modbus_tape_test_LDADD = $(KIT_LIBS) $(MODBUS_LIBS)
modbus_testhost = $(modbus_sources) plugins/modbus/modbus_testhost.c plugins/modbus/modbus_testhost.h
plugins_modbus_modbus_real_test_CFLAGS = $(AM_CFLAGS) $(MODBUS_CFLAGS)
plugins_modbus_modbus_real_test_SOURCES = $(modbus_testhost) plugins/modbus/modbus_real_test.c
plugins_modbus_modbus_real_test_LDADD = $(KIT_LIBS) $(MODBUS_LIBS)
plugins_modbus_modbus_test_CFLAGS = $(AM_CFLAGS) $(MODBUS_CFLAGS)
plugins_modbus_modbus_test_SOURCES = $(modbus_testhost) plugins/modbus/modbus_test.c \
	plugins/modbus/modbus_testwire.c plugins/modbus/modbus_testwire.h
plugins_modbus_modbus_test_LDADD = $(KIT_LIBS) $(MODBUS_LIBS)
endif

FUZZERS += plugins/modbus/modbus_pdu_fuzz
plugins_modbus_modbus_pdu_fuzz_SOURCES = plugins/modbus/modbus_pdu_fuzz.c $(modbus_pure) $(FUZZ_MAIN)
plugins_modbus_modbus_pdu_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_modbus_modbus_pdu_fuzz_LDADD =
FUZZERS += plugins/modbus/modbus_given_fuzz
plugins_modbus_modbus_given_fuzz_CFLAGS = $(AM_CFLAGS) $(MODBUS_CFLAGS)
plugins_modbus_modbus_given_fuzz_SOURCES = plugins/modbus/modbus_given_fuzz.c $(modbus_sources) $(FUZZ_MAIN)
plugins_modbus_modbus_given_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
plugins_modbus_modbus_given_fuzz_LDADD = $(MODBUS_LIBS)

dist_check_SCRIPTS += plugins/modbus/check.sh
TESTS += plugins/modbus/check.sh
