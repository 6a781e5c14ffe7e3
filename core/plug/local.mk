noinst_LIBRARIES += $(LIBPLUG)
core_plug_libplug_a_SOURCES = \
	core/plug/cage.c core/plug/cage.h \
	core/plug/cage_landlock.c core/plug/cage_lock.c core/plug/cage_lock.h \
	core/plug/cage_seccomp.c core/plug/cage_watch.c \
	core/plug/child.c core/plug/child.h \
	core/plug/hosted.c core/plug/hosted.h \
	core/plug/hostloop.c core/plug/hostloop.h \
	core/plug/inspect.c core/plug/inspect.h \
	core/plug/instance.c core/plug/instance.h core/plug/instance_priv.h \
	core/plug/judge.c core/plug/judge.h \
	core/plug/load.c core/plug/load.h \
	core/plug/port.c \
	core/plug/probe.c core/plug/probe.h \
	core/plug/shared.c \
	core/plug/transport.c \
	core/plug/wire.c core/plug/wire.h \
	core/plug/worker.c core/plug/worker.h core/plug/worker_priv.h core/plug/worker_host.c

host_PROGRAMS += bin/lintel-host
bin_lintel_host_SOURCES = core/daemon/lintel_host.c
bin_lintel_host_LDADD = $(LIBPLUG) $(SECCOMP_LIBS) $(BIND_LIBS)

# Tests of hosting bring an engine of their own that only records, and link without the real one.
PLUG_TEST_LIBS = $(LIBPLUG) $(SECCOMP_LIBS) $(BIND_LIBS)
if HAVE_CUNIT
plug_tests = core/plug/cage_test core/plug/hosted_test core/plug/instance_test core/plug/load_test core/plug/transport_test \
	core/plug/wire_test
check_PROGRAMS += $(plug_tests)
TESTS += $(plug_tests)
core_plug_instance_test_SOURCES = core/plug/instance_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_instance_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_transport_test_SOURCES = core/plug/transport_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_transport_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_cage_test_SOURCES = core/plug/cage_test.c
core_plug_cage_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_hosted_test_SOURCES = core/plug/hosted_test.c
core_plug_hosted_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_load_test_SOURCES = core/plug/load_test.c
core_plug_load_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_wire_test_SOURCES = core/plug/wire_test.c
core_plug_wire_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
endif

FUZZERS += core/plug/wire_fuzz
core_plug_wire_fuzz_SOURCES = core/plug/wire_fuzz.c $(FUZZ_MAIN)
core_plug_wire_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_plug_wire_fuzz_LDADD = $(PLUG_TEST_LIBS)
EXTRA_DIST += docs/abi-history.md docs/plugin-abi.md docs/protocol-child.md
