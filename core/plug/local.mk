noinst_LIBRARIES += $(LIBPLUG)
core_plug_libplug_a_SOURCES = core/plug/empty.c
