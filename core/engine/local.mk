noinst_LIBRARIES += $(LIBENGINE)
core_engine_libengine_a_SOURCES = core/engine/empty.c
