if HAVE_CUNIT
check_LIBRARIES += tests/kit/libkit.a
tests_kit_libkit_a_CFLAGS = $(AM_CFLAGS) $(CUNIT_CFLAGS)
tests_kit_libkit_a_SOURCES = \
	tests/kit/failures.c tests/kit/failures.h \
	tests/kit/fakehost.c tests/kit/fakehost.h \
	tests/kit/kit.c tests/kit/kit.h

check_PROGRAMS += tests/kit/fakehost_test
TESTS += tests/kit/fakehost_test
tests_kit_fakehost_test_SOURCES = tests/kit/fakehost_test.c
tests_kit_fakehost_test_LDADD = $(KIT_LIBS)
endif
EXTRA_DIST += tests/kit/replay.c tests/kit/lsan.supp tests/kit/tsan.supp tests/kit/valgrind.supp
