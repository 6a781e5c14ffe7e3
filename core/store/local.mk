noinst_LIBRARIES += $(LIBSTORE)
core_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
core_store_libstore_a_SOURCES = \
	core/store/file.c core/store/file.h \
	core/store/store.c core/store/store.h

if HAVE_CUNIT
store_tests = core/store/store_test
check_PROGRAMS += $(store_tests)
TESTS += $(store_tests)
core_store_store_test_SOURCES = core/store/store_test.c
core_store_store_test_LDADD = $(KIT_LIBS) $(STORE_LIBS) $(SQLITE_LIBS)
endif

EXTRA_PROGRAMS += core/store/store_bench
BENCHES += core/store/store_bench
core_store_store_bench_SOURCES = core/store/store_bench.c
core_store_store_bench_LDADD = $(STORE_LIBS)

FUZZERS += core/store/file_fuzz
core_store_file_fuzz_SOURCES = core/store/file_fuzz.c $(FUZZ_MAIN)
core_store_file_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_store_file_fuzz_LDADD = $(STORE_LIBS)
