noinst_LIBRARIES += $(LIBENGINE)
core_engine_libengine_a_SOURCES = \
	core/engine/answers.c \
	core/engine/ask.c \
	core/engine/bus.c \
	core/engine/command.c core/engine/command.h \
	core/engine/conditions.c \
	core/engine/device.c core/engine/device.h \
	core/engine/engine.c core/engine/engine.h core/engine/engine_priv.h \
	core/engine/figures.c core/engine/figures.h \
	core/engine/groups.c core/engine/groups.h \
	core/engine/guest.c core/engine/guest.h \
	core/engine/life.c \
	core/engine/pace.h \
	core/engine/plan.c core/engine/plan.h \
	core/engine/replace.c \
	core/engine/request.c core/engine/request.h \
	core/engine/samples.c core/engine/samples.h \
	core/engine/schedule.c core/engine/schedule.h \
	core/engine/subscribe.c core/engine/subscribe.h core/engine/subscribe_priv.h \
	core/engine/tables.c core/engine/tables.h \
	core/engine/values.c core/engine/values.h \
	core/engine/watch.c core/engine/watch.h

if HAVE_CUNIT
engine_tests = core/engine/engine_test core/engine/command_test core/engine/subscribe_test \
	core/engine/values_test core/engine/guest_test core/engine/figures_test core/engine/exchange_test core/engine/memory_test
check_PROGRAMS += $(engine_tests)
TESTS += $(engine_tests)
ENGINE_KIT = core/engine/engine_kit.c core/engine/engine_kit.h
core_engine_exchange_test_SOURCES = core/engine/exchange_test.c $(ENGINE_KIT)
core_engine_exchange_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_engine_test_SOURCES = core/engine/engine_test.c $(ENGINE_KIT)
core_engine_engine_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_command_test_SOURCES = core/engine/command_test.c $(ENGINE_KIT)
core_engine_command_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_subscribe_test_SOURCES = core/engine/subscribe_test.c $(ENGINE_KIT)
core_engine_subscribe_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_guest_test_SOURCES = core/engine/guest_test.c $(ENGINE_KIT)
core_engine_guest_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_figures_test_SOURCES = core/engine/figures_test.c $(ENGINE_KIT)
core_engine_figures_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_memory_test_SOURCES = core/engine/memory_test.c $(ENGINE_KIT)
core_engine_memory_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
core_engine_values_test_SOURCES = core/engine/values_test.c $(ENGINE_KIT)
core_engine_values_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
endif

FUZZERS += core/engine/conditions_fuzz
core_engine_conditions_fuzz_SOURCES = core/engine/conditions_fuzz.c $(FUZZ_MAIN)
core_engine_conditions_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_engine_conditions_fuzz_LDADD = $(ENGINE_LIBS)

EXTRA_PROGRAMS += core/engine/engine_bench
BENCHES += core/engine/engine_bench
core_engine_engine_bench_SOURCES = core/engine/engine_bench.c
core_engine_engine_bench_LDADD = $(ENGINE_LIBS)
