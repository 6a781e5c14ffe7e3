# The resources of the CoAP plugtests. Installed, and harmless unless a site names it under transports.
plugtest_sources = \
	plugins/plugtest/plugtest.c plugins/plugtest/plugtest.h \
	plugins/plugtest/plugtest_answer.c \
	plugins/plugtest/plugtest_observe.c \
	plugins/plugtest/plugtest_resources.c \
	plugins/plugtest/plugtest_store.c
plugins_PROGRAMS += plugins/plugtest/plugtest.so
plugins_plugtest_plugtest_so_SOURCES = $(plugtest_sources)
plugins_plugtest_plugtest_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_plugtest_plugtest_so_LDFLAGS = $(PLUGIN_LINK)
EXTRA_DIST += plugins/plugtest/README.md

dist_check_SCRIPTS += plugins/plugtest/check.sh
TESTS += plugins/plugtest/check.sh
