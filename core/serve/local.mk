noinst_LIBRARIES += $(LIBSERVE)
core_serve_libserve_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_serve_libserve_a_SOURCES = \
	core/serve/codes.c core/serve/codes.h \
	core/serve/format.c core/serve/format.h \
	core/serve/hub.c core/serve/hub.h \
	core/serve/inside.c core/serve/inside.h \
	core/serve/json.c core/serve/json.h \
	core/serve/links.c core/serve/links.h \
	core/serve/local.c core/serve/local.h \
	core/serve/local_client.c core/serve/local_client.h \
	core/serve/local_wire.c core/serve/local_wire.h \
	core/serve/measure.c core/serve/measure.h \
	core/serve/models.c core/serve/models.h \
	core/serve/mount.c core/serve/mount.h \
	core/serve/pack.c core/serve/pack.h \
	core/serve/property.c core/serve/property.h \
	core/serve/schema.c core/serve/schema.h \
	core/serve/senml.c core/serve/senml.h \
	core/serve/td.c core/serve/td.h \
	core/serve/tree.c core/serve/tree.h core/serve/tree_source.h

if HAVE_CUNIT
serve_tests = core/serve/format_test core/serve/live_test core/serve/local_test core/serve/schema_test \
	core/serve/senml_test core/serve/td_test core/serve/tree_test
check_PROGRAMS += $(serve_tests)
TESTS += $(serve_tests)
SERVE_FAKE = core/serve/fake_engine.c core/serve/fake_engine.h
core_serve_format_test_SOURCES = core/serve/format_test.c
core_serve_format_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_live_test_SOURCES = core/serve/live_test.c core/engine/engine_kit.c core/engine/engine_kit.h
core_serve_live_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_local_test_SOURCES = core/serve/local_test.c $(SERVE_FAKE)
core_serve_local_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_schema_test_SOURCES = core/serve/schema_test.c
core_serve_schema_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_senml_test_CFLAGS = $(AM_CFLAGS) $(CBOR_CFLAGS)
core_serve_senml_test_SOURCES = core/serve/senml_test.c
core_serve_senml_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_td_test_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_serve_td_test_SOURCES = core/serve/td_test.c $(SERVE_FAKE)
core_serve_td_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_tree_test_SOURCES = core/serve/tree_test.c $(SERVE_FAKE)
core_serve_tree_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
endif

FUZZERS += core/serve/format_fuzz core/serve/local_fuzz core/serve/senml_fuzz
core_serve_format_fuzz_SOURCES = core/serve/format_fuzz.c $(FUZZ_MAIN)
core_serve_format_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_format_fuzz_LDADD = $(SERVE_LIBS)
core_serve_local_fuzz_SOURCES = core/serve/local_fuzz.c $(FUZZ_MAIN)
core_serve_local_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_local_fuzz_LDADD = $(SERVE_LIBS)
core_serve_senml_fuzz_SOURCES = core/serve/senml_fuzz.c $(FUZZ_MAIN)
core_serve_senml_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_senml_fuzz_LDADD = $(SERVE_LIBS)
