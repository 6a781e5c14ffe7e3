noinst_LIBRARIES += $(LIBBIND)
core_bind_libbind_a_SOURCES = \
	core/bind/bindtest.c \
	core/bind/directory.c \
	core/bind/field.c core/bind/field.h core/bind/field_print.c \
	core/bind/files.c core/bind/files.h \
	core/bind/keys.c core/bind/keys.h \
	core/bind/kind.c \
	core/bind/port.c \
	core/bind/profile.c \
	core/bind/reader.c core/bind/reader.h \
	core/bind/rights.c \
	core/bind/schema.c \
	core/bind/site.h core/bind/site_read.c \
	core/bind/tables.c core/bind/tables.h \
	core/bind/things.c

if HAVE_CUNIT
bind_tests = core/bind/field_test core/bind/rights_test core/bind/site_test
check_PROGRAMS += $(bind_tests)
TESTS += $(bind_tests)
core_bind_field_test_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_bind_field_test_SOURCES = core/bind/field_test.c
core_bind_field_test_LDADD = $(KIT_LIBS) $(BIND_LIBS)
core_bind_rights_test_SOURCES = core/bind/rights_test.c core/bind/fake_plugins.h
core_bind_rights_test_LDADD = $(KIT_LIBS) $(BIND_LIBS)
core_bind_site_test_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
core_bind_site_test_SOURCES = core/bind/site_test.c core/bind/fake_plugins.h
core_bind_site_test_LDADD = $(KIT_LIBS) $(BIND_LIBS)
endif

FUZZERS += core/bind/site_fuzz
core_bind_site_fuzz_SOURCES = core/bind/site_fuzz.c core/bind/fake_plugins.h $(FUZZ_MAIN)
core_bind_site_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_bind_site_fuzz_LDADD = $(BIND_LIBS)
