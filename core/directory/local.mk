noinst_LIBRARIES += $(LIBDIRECTORY)
core_directory_libdirectory_a_SOURCES = \
	core/directory/link.c core/directory/link.h \
	core/directory/lookup.c \
	core/directory/reg_block.c core/directory/reg_block.h \
	core/directory/reg_check.c \
	core/directory/reg_index.c core/directory/reg_index.h \
	core/directory/reg_pack.c \
	core/directory/registry.c core/directory/registry.h core/directory/registry_priv.h \
	core/directory/settings.h \
	core/directory/uri.c core/directory/uri.h

if HAVE_CUNIT
directory_tests = core/directory/link_test core/directory/uri_test core/directory/registry_test \
	core/directory/lookup_test core/directory/churn_test
check_PROGRAMS += $(directory_tests)
TESTS += $(directory_tests)
core_directory_link_test_SOURCES = core/directory/link_test.c
core_directory_link_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
core_directory_uri_test_SOURCES = core/directory/uri_test.c
core_directory_uri_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
REGISTRY_KIT = core/directory/registry_kit.c core/directory/registry_kit.h
core_directory_registry_test_SOURCES = core/directory/registry_test.c $(REGISTRY_KIT)
core_directory_registry_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
core_directory_lookup_test_SOURCES = core/directory/lookup_test.c $(REGISTRY_KIT)
core_directory_lookup_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
core_directory_churn_test_SOURCES = core/directory/churn_test.c
core_directory_churn_test_LDADD = $(KIT_LIBS) $(DIRECTORY_LIBS)
endif

FUZZERS += core/directory/link_fuzz
core_directory_link_fuzz_SOURCES = core/directory/link_fuzz.c $(FUZZ_MAIN)
core_directory_link_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_directory_link_fuzz_LDADD = $(DIRECTORY_LIBS)

EXTRA_PROGRAMS += core/directory/registry_bench
BENCHES += core/directory/registry_bench
core_directory_registry_bench_SOURCES = core/directory/registry_bench.c
core_directory_registry_bench_LDADD = $(DIRECTORY_LIBS)

FUZZERS += core/directory/registry_fuzz core/directory/unpack_fuzz
core_directory_registry_fuzz_SOURCES = core/directory/registry_fuzz.c $(FUZZ_MAIN)
core_directory_registry_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_directory_registry_fuzz_LDADD = $(DIRECTORY_LIBS)
core_directory_unpack_fuzz_SOURCES = core/directory/unpack_fuzz.c $(FUZZ_MAIN)
core_directory_unpack_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_directory_unpack_fuzz_LDADD = $(DIRECTORY_LIBS)

FUZZERS += core/directory/uri_fuzz
core_directory_uri_fuzz_SOURCES = core/directory/uri_fuzz.c $(FUZZ_MAIN)
core_directory_uri_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_directory_uri_fuzz_LDADD = $(DIRECTORY_LIBS)
