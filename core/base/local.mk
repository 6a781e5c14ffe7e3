noinst_LIBRARIES += $(LIBBASE)
core_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(CBOR_CFLAGS)
core_base_libbase_a_SOURCES = \
	core/base/cbor.c core/base/cbor.h \
	core/base/doc.c core/base/doc.h \
	core/base/log.c core/base/log.h \
	core/base/map.c core/base/map.h \
	core/base/mem.c core/base/mem.h \
	core/base/num.c core/base/num.h \
	core/base/pcapng.c core/base/pcapng.h \
	core/base/report.c core/base/report.h \
	core/base/text.c core/base/text.h

if HAVE_CUNIT
base_tests = core/base/base_test core/base/doc_test core/base/cbor_test core/base/pcapng_test
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
core_base_base_test_SOURCES = core/base/base_test.c
core_base_base_test_LDADD = $(KIT_LIBS) $(BASE_LIBS)
core_base_doc_test_SOURCES = core/base/doc_test.c
core_base_doc_test_LDADD = $(KIT_LIBS) $(BASE_LIBS)
core_base_pcapng_test_SOURCES = core/base/pcapng_test.c
core_base_pcapng_test_LDADD = $(KIT_LIBS) $(BASE_LIBS)
core_base_cbor_test_SOURCES = core/base/cbor_test.c
core_base_cbor_test_LDADD = $(KIT_LIBS) $(BASE_LIBS)
endif

FUZZERS += core/base/doc_fuzz core/base/cbor_fuzz
core_base_doc_fuzz_SOURCES = core/base/doc_fuzz.c $(FUZZ_MAIN)
core_base_doc_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_base_doc_fuzz_LDADD = $(BASE_LIBS)
core_base_cbor_fuzz_SOURCES = core/base/cbor_fuzz.c $(FUZZ_MAIN)
core_base_cbor_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_base_cbor_fuzz_LDADD = $(BASE_LIBS)
