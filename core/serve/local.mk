noinst_LIBRARIES += $(LIBSERVE)
core_serve_libserve_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_serve_libserve_a_SOURCES = \
	core/serve/audit.c core/serve/audit.h \
	core/serve/buses.c core/serve/buses.h \
	core/serve/codes.c core/serve/codes.h \
	core/serve/units.c core/serve/units.h \
	core/serve/etch.c core/serve/etch.h \
	core/serve/fetch.c core/serve/fetch.h \
	core/serve/follow.c core/serve/follow.h \
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
	core/serve/nearest.c core/serve/nearest.h \
	core/serve/pack.c core/serve/pack.h \
	core/serve/patch.c core/serve/patch.h \
	core/serve/property.c core/serve/property.h \
	core/serve/recorded.c \
	core/serve/rd.c core/serve/rd.h core/serve/rd_inside.c core/serve/rd_inside.h core/serve/rd_keep.c core/serve/rd_link.c core/serve/rd_list.c \
	core/serve/rd_lookup.c core/serve/rd_policy.c core/serve/rd_request.c core/serve/rd_simple.c \
	core/serve/rd_things.c core/serve/rd_update.c \
	core/serve/schema.c core/serve/schema.h \
	core/serve/selection.c core/serve/selection.h \
	core/serve/senml.c core/serve/senml.h \
	core/serve/senml_read.c core/serve/senml_read.h \
	core/serve/td.c core/serve/td.h \
	core/serve/trail.c core/serve/trail.h \
	core/serve/tree.c core/serve/tree.h core/serve/tree_source.h

if HAVE_CUNIT
serve_tests = core/serve/etch_test core/serve/format_test core/serve/live_test core/serve/local_test \
	core/serve/observe_test core/serve/rd_keep_test core/serve/rd_lookup_test core/serve/rd_simple_test \
	core/serve/rd_interop_test core/serve/rd_soft_test core/serve/rd_test core/serve/rights_test core/serve/schema_test core/serve/senml_test \
	core/serve/td_test core/serve/trail_test core/serve/tree_test
check_PROGRAMS += $(serve_tests) core/serve/senml_cat
TESTS += $(serve_tests)
SERVE_FAKE = core/serve/fake_engine.c core/serve/fake_engine.h
core_serve_etch_test_SOURCES = core/serve/etch_test.c core/engine/engine_kit.c core/engine/engine_kit.h
core_serve_etch_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_format_test_SOURCES = core/serve/format_test.c
core_serve_format_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_live_test_SOURCES = core/serve/live_test.c core/engine/engine_kit.c core/engine/engine_kit.h
core_serve_live_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_local_test_SOURCES = core/serve/local_test.c $(SERVE_FAKE)
core_serve_local_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
RD_KIT = core/serve/rd_kit.c core/serve/rd_kit.h $(SERVE_FAKE)
core_serve_rd_keep_test_SOURCES = core/serve/rd_keep_test.c $(RD_KIT)
core_serve_rd_keep_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_rd_lookup_test_SOURCES = core/serve/rd_lookup_test.c $(RD_KIT)
core_serve_rd_lookup_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_rd_simple_test_SOURCES = core/serve/rd_simple_test.c $(RD_KIT)
core_serve_rd_simple_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_rd_interop_test_SOURCES = core/serve/rd_interop_test.c $(RD_KIT)
core_serve_rd_interop_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_rd_soft_test_SOURCES = core/serve/rd_soft_test.c core/serve/fake_store.c core/serve/fake_store.h \
	$(RD_KIT)
core_serve_rd_soft_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_rd_test_SOURCES = core/serve/rd_test.c $(RD_KIT)
core_serve_rd_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_observe_test_SOURCES = core/serve/observe_test.c core/engine/engine_kit.c \
	core/engine/engine_kit.h
core_serve_observe_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
# The other side of senml_diff.py, which tests/integration/senml.sh runs.
core_serve_senml_cat_SOURCES = core/serve/senml_cat.c
core_serve_senml_cat_LDADD = $(SERVE_LIBS)
core_serve_rights_test_SOURCES = core/serve/rights_test.c core/serve/fake_store.c core/serve/fake_store.h \
	$(SERVE_FAKE)
core_serve_rights_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_schema_test_SOURCES = core/serve/schema_test.c
core_serve_schema_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
serve_tests += core/serve/mount_test
core_serve_mount_test_SOURCES = core/serve/mount_test.c $(SERVE_FAKE)
core_serve_mount_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_senml_test_CFLAGS = $(AM_CFLAGS) $(CBOR_CFLAGS)
core_serve_senml_test_SOURCES = core/serve/senml_test.c
core_serve_senml_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_td_test_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_serve_td_test_SOURCES = core/serve/td_test.c $(SERVE_FAKE)
core_serve_td_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_trail_test_SOURCES = core/serve/trail_test.c core/serve/fake_store.c core/serve/fake_store.h
core_serve_trail_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
core_serve_tree_test_SOURCES = core/serve/tree_test.c $(SERVE_FAKE)
core_serve_tree_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
endif

EXTRA_DIST += core/serve/senml_diff.py
FUZZERS += core/serve/etch_fuzz core/serve/format_fuzz core/serve/local_fuzz core/serve/rd_fuzz \
	core/serve/senml_fuzz core/serve/trail_fuzz
core_serve_etch_fuzz_SOURCES = core/serve/etch_fuzz.c $(FUZZ_MAIN)
core_serve_etch_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_etch_fuzz_LDADD = $(SERVE_LIBS)
core_serve_format_fuzz_SOURCES = core/serve/format_fuzz.c $(FUZZ_MAIN)
core_serve_format_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_format_fuzz_LDADD = $(SERVE_LIBS)
core_serve_local_fuzz_SOURCES = core/serve/local_fuzz.c $(FUZZ_MAIN)
core_serve_local_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_local_fuzz_LDADD = $(SERVE_LIBS)
core_serve_senml_fuzz_SOURCES = core/serve/senml_fuzz.c $(FUZZ_MAIN)
core_serve_senml_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_senml_fuzz_LDADD = $(SERVE_LIBS)
core_serve_rd_fuzz_SOURCES = core/serve/rd_fuzz.c $(FUZZ_MAIN)
core_serve_rd_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_rd_fuzz_LDADD = $(SERVE_LIBS)
core_serve_trail_fuzz_SOURCES = core/serve/trail_fuzz.c $(FUZZ_MAIN)
core_serve_trail_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_serve_trail_fuzz_LDADD = $(SERVE_LIBS)
