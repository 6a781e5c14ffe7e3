noinst_LIBRARIES += $(LIBMODEL)
core_model_libmodel_a_SOURCES = \
	core/model/affordance.c core/model/affordance.h \
	core/model/data.c core/model/data.h \
	core/model/data_read.c core/model/data_read.h \
	core/model/json_load.c core/model/json_load.h \
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

# The codec. It reads payloads with jansson.
core_model_libmodel_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_model_libmodel_a_SOURCES += \
	core/model/codec.h core/model/codec_program.h \
	core/model/codec_compile.c core/model/codec_decode.c core/model/codec_encode.c \
	core/model/codec_payload.c core/model/codec_text.c core/model/codec_wire.c \
	core/model/exact.c core/model/exact.h
if HAVE_CUNIT
codec_tests = core/model/codec_test core/model/codec_trip_test
check_PROGRAMS += $(codec_tests)
TESTS += $(codec_tests)
core_model_codec_test_SOURCES = core/model/codec_test.c core/model/codec_kit.h
core_model_codec_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
core_model_codec_trip_test_SOURCES = core/model/codec_trip_test.c core/model/codec_kit.h
core_model_codec_trip_test_LDADD = $(KIT_LIBS) $(MODEL_LIBS)
endif

FUZZERS += core/model/codec_fuzz core/model/payload_fuzz
core_model_codec_fuzz_SOURCES = core/model/codec_fuzz.c $(FUZZ_MAIN)
core_model_codec_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_model_codec_fuzz_LDADD = $(MODEL_LIBS)
core_model_payload_fuzz_SOURCES = core/model/payload_fuzz.c $(FUZZ_MAIN)
core_model_payload_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_model_payload_fuzz_LDADD = $(MODEL_LIBS)

EXTRA_PROGRAMS += core/model/codec_bench
BENCHES += core/model/codec_bench
core_model_codec_bench_SOURCES = core/model/codec_bench.c
core_model_codec_bench_LDADD = $(MODEL_LIBS)
