noinst_LIBRARIES += $(LIBSTORE)
core_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
core_store_libstore_a_SOURCES = core/store/store.c core/store/store.h
