noinst_LIBRARIES += $(LIBPLUG)
core_plug_libplug_a_SOURCES = \
	core/plug/cage.c core/plug/cage.h \
	core/plug/cage_landlock.c core/plug/cage_lock.c core/plug/cage_lock.h \
	core/plug/cage_seccomp.c core/plug/cage_watch.c \
	core/plug/child.c core/plug/child.h \
	core/plug/deck.c core/plug/deck.h \
	core/plug/gate.c core/plug/gate.h \
	core/plug/hosted.c core/plug/hosted.h \
	core/plug/hostloop.c core/plug/hostloop.h \
	core/plug/inspect.c core/plug/inspect.h \
	core/plug/instance.c core/plug/instance.h core/plug/instance_priv.h \
	core/plug/instance_thread.c core/plug/instance_thread.h \
	core/plug/judge.c core/plug/judge.h \
	core/plug/last_word.c core/plug/last_word.h \
	core/plug/library.c core/plug/library.h \
	core/plug/load.c core/plug/load.h \
	core/plug/outbox.c core/plug/outbox.h \
	core/plug/port.c core/plug/port_tap.c \
	core/plug/probe.c core/plug/probe.h \
	core/plug/process.c core/plug/process.h \
	core/plug/reader.c core/plug/reader.h \
	core/plug/slots.c core/plug/slots.h \
	core/plug/supervise.c core/plug/supervise.h \
	core/plug/swap.c core/plug/swap.h \
	core/plug/tap.c core/plug/tap.h \
	core/plug/tape.c core/plug/tape.h \
	core/plug/taped.c core/plug/taped.h \
	core/plug/thread.c core/plug/thread.h \
	core/plug/told.c core/plug/told.h \
	core/plug/transport.c core/plug/transport_priv.h \
	core/plug/transport_child.c core/plug/transport_inside.c core/plug/transport_open.c \
	core/plug/transport_wire.c core/plug/transport_wire.h \
	core/plug/transport_worker.c core/plug/transport_worker.h core/plug/transport_worker_host.c \
	core/plug/transport_worker_priv.h \
	core/plug/trial.c core/plug/trial.h \
	core/plug/wire.c core/plug/wire.h core/plug/wire_shared.c \
	core/plug/worker.c core/plug/worker.h core/plug/worker_priv.h core/plug/worker_host.c \
	core/plug/worker_late.c

host_PROGRAMS += bin/lintel-host
bin_lintel_host_SOURCES = core/daemon/lintel_host.c
bin_lintel_host_LDADD = $(LIBPLUG) $(SECCOMP_LIBS) $(BIND_LIBS)

# Tests of hosting bring an engine of their own that only records, and link without the real one.
PLUG_TEST_LIBS = $(LIBPLUG) $(SECCOMP_LIBS) $(BIND_LIBS)
if HAVE_CUNIT
plug_tests = core/plug/cage_test core/plug/carried_test core/plug/ending_test core/plug/hosted_test \
	core/plug/instance_test core/plug/load_test core/plug/odd_child_test core/plug/outbox_test core/plug/probe_test core/plug/slots_test \
	core/plug/supervise_test core/plug/swap_test core/plug/tape_test core/plug/told_test core/plug/transport_test \
	core/plug/transport_wire_test core/plug/transport_worker_test core/plug/wire_test core/plug/worker_late_test
check_PROGRAMS += $(plug_tests)
TESTS += $(plug_tests)
core_plug_instance_test_SOURCES = core/plug/instance_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_instance_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_ending_test_SOURCES = core/plug/ending_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_ending_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_odd_child_test_SOURCES = core/plug/odd_child_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_odd_child_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_swap_test_SOURCES = core/plug/swap_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_swap_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_transport_test_SOURCES = core/plug/transport_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_transport_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_carried_test_SOURCES = core/plug/carried_test.c core/plug/plug_kit.c core/plug/plug_kit.h
core_plug_carried_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_transport_wire_test_SOURCES = core/plug/transport_wire_test.c
core_plug_transport_wire_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_transport_worker_test_SOURCES = core/plug/transport_worker_test.c
core_plug_transport_worker_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_cage_test_SOURCES = core/plug/cage_test.c
core_plug_cage_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_probe_test_SOURCES = core/plug/probe_test.c
core_plug_probe_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_hosted_test_SOURCES = core/plug/hosted_test.c
core_plug_hosted_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_load_test_SOURCES = core/plug/load_test.c
core_plug_load_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_tape_test_SOURCES = core/plug/tape_test.c
core_plug_tape_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_told_test_SOURCES = core/plug/told_test.c
core_plug_told_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_outbox_test_SOURCES = core/plug/outbox_test.c
core_plug_outbox_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_slots_test_SOURCES = core/plug/slots_test.c
core_plug_slots_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_supervise_test_SOURCES = core/plug/supervise_test.c
core_plug_supervise_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_worker_late_test_SOURCES = core/plug/worker_late_test.c
core_plug_worker_late_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
core_plug_wire_test_SOURCES = core/plug/wire_test.c
core_plug_wire_test_LDADD = $(KIT_LIBS) $(PLUG_TEST_LIBS)
endif

FUZZERS += core/plug/wire_fuzz
core_plug_wire_fuzz_SOURCES = core/plug/wire_fuzz.c $(FUZZ_MAIN)
core_plug_wire_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_plug_wire_fuzz_LDADD = $(PLUG_TEST_LIBS)
FUZZERS += core/plug/told_fuzz
core_plug_told_fuzz_SOURCES = core/plug/told_fuzz.c $(FUZZ_MAIN)
core_plug_told_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_plug_told_fuzz_LDADD = $(PLUG_TEST_LIBS)
FUZZERS += core/plug/tape_fuzz
core_plug_tape_fuzz_SOURCES = core/plug/tape_fuzz.c $(FUZZ_MAIN)
core_plug_tape_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_plug_tape_fuzz_LDADD = $(PLUG_TEST_LIBS)
FUZZERS += core/plug/transport_wire_fuzz
core_plug_transport_wire_fuzz_SOURCES = core/plug/transport_wire_fuzz.c $(FUZZ_MAIN)
core_plug_transport_wire_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_plug_transport_wire_fuzz_LDADD = $(PLUG_TEST_LIBS)
EXTRA_DIST += docs/abi-history.md docs/plugin-abi.md docs/protocol-child.md
