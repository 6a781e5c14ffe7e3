noinst_LIBRARIES += $(LIBSTORE)
core_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
core_store_libstore_a_SOURCES = core/store/store.c core/store/store.h

if HAVE_CUNIT
check_PROGRAMS += core/store/store_test
TESTS += core/store/store_test
core_store_store_test_SOURCES = core/store/store_test.c
core_store_store_test_LDADD = $(KIT_LIBS) $(STORE_LIBS)
endif
