noinst_LIBRARIES += $(LIBLOOP)
core_loop_libloop_a_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS)
core_loop_libloop_a_SOURCES = \
	core/loop/frames.c core/loop/frames.h \
	core/loop/loop.c core/loop/loop.h

# The loop needs nothing of the model: its tests link without it.
LOOP_TEST_LIBS = $(LIBLOOP) $(UV_LIBS) $(BASE_LIBS)
if HAVE_CUNIT
loop_tests = core/loop/loop_test core/loop/frames_test
check_PROGRAMS += $(loop_tests)
TESTS += $(loop_tests)
core_loop_loop_test_SOURCES = core/loop/loop_test.c
core_loop_loop_test_LDADD = $(KIT_LIBS) $(LOOP_TEST_LIBS)
core_loop_frames_test_SOURCES = core/loop/frames_test.c
core_loop_frames_test_LDADD = $(KIT_LIBS) $(LOOP_TEST_LIBS)
endif

FUZZERS += core/loop/frames_fuzz
core_loop_frames_fuzz_SOURCES = core/loop/frames_fuzz.c $(FUZZ_MAIN)
core_loop_frames_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_loop_frames_fuzz_LDADD = $(LOOP_TEST_LIBS)
