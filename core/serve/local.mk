noinst_LIBRARIES += $(LIBSERVE)
core_serve_libserve_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_serve_libserve_a_SOURCES = \
	core/serve/codes.c core/serve/codes.h \
	core/serve/format.c core/serve/format.h \
	core/serve/hub.c core/serve/hub.h \
	core/serve/inside.c core/serve/inside.h \
	core/serve/links.c core/serve/links.h \
	core/serve/local.c core/serve/local.h \
	core/serve/local_client.c core/serve/local_client.h \
	core/serve/local_wire.c core/serve/local_wire.h \
	core/serve/measure.c core/serve/measure.h \
	core/serve/pack.c core/serve/pack.h \
	core/serve/property.c core/serve/property.h \
	core/serve/senml.c core/serve/senml.h \
	core/serve/tree.c core/serve/tree.h

if HAVE_CUNIT
serve_tests = core/serve/tree_test
check_PROGRAMS += $(serve_tests)
TESTS += $(serve_tests)
SERVE_FAKE = core/serve/fake_engine.c core/serve/fake_engine.h
core_serve_tree_test_SOURCES = core/serve/tree_test.c $(SERVE_FAKE)
core_serve_tree_test_LDADD = $(KIT_LIBS) $(SERVE_LIBS)
endif
