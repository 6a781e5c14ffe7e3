noinst_LIBRARIES += $(LIBSERVE)
core_serve_libserve_a_SOURCES = core/serve/empty.c
