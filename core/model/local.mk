noinst_LIBRARIES += $(LIBMODEL)
core_model_libmodel_a_SOURCES = \
	core/model/affordance.c core/model/affordance.h \
	core/model/data.c core/model/data.h \
	core/model/data_read.c core/model/data_read.h \
	core/model/quality.c core/model/quality.h \
	core/model/regexp.c core/model/regexp.h \
	core/model/sdf.c core/model/sdf.h \
	core/model/tree.c core/model/tree.h \
	core/model/unit.c core/model/unit.h

if HAVE_CUNIT
model_tests = core/model/unit_test core/model/regexp_test core/model/data_test core/model/sdf_test \
	core/model/corpus_test core/model/schemas_test
check_PROGRAMS += $(model_tests)
TESTS += $(model_tests)
core_model_unit_test_SOURCES = core/model/unit_test.c
core_model_unit_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_regexp_test_SOURCES = core/model/regexp_test.c
core_model_regexp_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_data_test_SOURCES = core/model/data_test.c
core_model_data_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_sdf_test_SOURCES = core/model/sdf_test.c
core_model_sdf_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_corpus_test_SOURCES = core/model/corpus_test.c
core_model_corpus_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_schemas_test_SOURCES = core/model/schemas_test.c
core_model_schemas_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
endif

FUZZERS += core/model/sdf_fuzz core/model/regexp_fuzz
core_model_sdf_fuzz_SOURCES = core/model/sdf_fuzz.c $(FUZZ_MAIN)
core_model_sdf_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_model_sdf_fuzz_LDADD = $(MODEL_LIBS)
core_model_regexp_fuzz_SOURCES = core/model/regexp_fuzz.c $(FUZZ_MAIN)
core_model_regexp_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_model_regexp_fuzz_LDADD = $(MODEL_LIBS)
