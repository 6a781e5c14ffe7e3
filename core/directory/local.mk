noinst_LIBRARIES += $(LIBDIRECTORY)
core_directory_libdirectory_a_SOURCES = core/directory/link.c core/directory/link.h

if HAVE_CUNIT
directory_tests = core/directory/link_test
check_PROGRAMS += $(directory_tests)
TESTS += $(directory_tests)
core_directory_link_test_SOURCES = core/directory/link_test.c
core_directory_link_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
endif

FUZZERS += core/directory/link_fuzz
core_directory_link_fuzz_SOURCES = core/directory/link_fuzz.c $(FUZZ_MAIN)
core_directory_link_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_directory_link_fuzz_LDADD = $(DIRECTORY_LIBS)
