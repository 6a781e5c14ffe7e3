noinst_LIBRARIES += $(LIBLOOP)
core_loop_libloop_a_SOURCES = core/loop/empty.c
