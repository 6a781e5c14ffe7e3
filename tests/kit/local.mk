if HAVE_CUNIT
check_LIBRARIES += tests/kit/libkit.a
tests_kit_libkit_a_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_kit_libkit_a_SOURCES = tests/kit/kit.c tests/kit/kit.h
endif
EXTRA_DIST += tests/kit/replay.c
