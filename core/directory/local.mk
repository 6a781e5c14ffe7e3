noinst_LIBRARIES += $(LIBDIRECTORY)
core_directory_libdirectory_a_SOURCES = core/directory/empty.c
