plugins_PROGRAMS += plugins/file/file.so
plugins_file_file_so_SOURCES = plugins/file/file.c
plugins_file_file_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_file_file_so_LDFLAGS = $(PLUGIN_LINK)

dist_check_SCRIPTS += plugins/file/tutorial_test.sh
TESTS += plugins/file/tutorial_test.sh
EXTRA_DIST += docs/tutorial-plugin.md

dist_check_SCRIPTS += plugins/file/check.sh
TESTS += plugins/file/check.sh
