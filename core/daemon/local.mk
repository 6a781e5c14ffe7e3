# The programs. They lie in bin/ of the build tree, and run from there.
DAEMON_CPPFLAGS = $(AM_CPPFLAGS) \
	-DLINTEL_PREFIX='"$(prefix)"' \
	-DLINTEL_PLUGINSDIR='"$(pluginsdir)"' \
	-DLINTEL_SCHEMASDIR='"$(schemasdir)"' \
	-DLINTEL_BINDINGSDIR='"$(bindingsdir)"' \
	-DLINTEL_HOSTDIR='"$(hostdir)"' \
	-DLINTEL_SBINDIR='"$(sbindir)"' \
	-DLINTEL_RUNDIR='"/run/lintel"'

DAEMON_COMMON = \
	core/daemon/paths.c core/daemon/paths.h \
	core/daemon/site_source.c core/daemon/site_source.h \
	core/daemon/version.h

sbin_PROGRAMS += bin/linteld
bin_linteld_CPPFLAGS = $(DAEMON_CPPFLAGS)
bin_linteld_SOURCES = \
	core/daemon/linteld.c \
	core/daemon/bus_reload.c \
	core/daemon/hub.c core/daemon/hub.h core/daemon/hub_priv.h \
	core/daemon/hub_bus.c \
	core/daemon/bus_try.c core/daemon/bus_wire.c \
	core/daemon/try.c core/daemon/try.h \
	core/daemon/hub_transport.c \
	core/daemon/hub_tree.c \
	core/daemon/plugin_files.c \
	$(DAEMON_COMMON)
bin_linteld_LDADD = $(LIBSERVE) $(PLUG_LIBS)

bin_PROGRAMS += bin/lintel
bin_lintel_CPPFLAGS = $(DAEMON_CPPFLAGS)
bin_lintel_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
bin_lintel_SOURCES = \
	core/daemon/lintel.c \
	core/daemon/cli.h \
	core/daemon/cli_audit.c \
	core/daemon/cli_check.c \
	core/daemon/cli_directory.c \
	core/daemon/cli_hub.c \
	core/daemon/cli_plugin.c \
	core/daemon/cli_record.c core/daemon/cli_replay.c core/daemon/cli_try.c \
	core/daemon/try.c core/daemon/try.h \
	core/daemon/cli_text.c \
	core/daemon/cli_things.c \
	core/daemon/cli_units.c \
	core/daemon/cli_watch.c \
	core/daemon/table.c core/daemon/table.h \
	$(DAEMON_COMMON)
bin_lintel_LDADD = $(LIBSERVE) $(PLUG_LIBS) $(JANSSON_LIBS)

if HAVE_CUNIT
check_PROGRAMS += core/daemon/hub_test
TESTS += core/daemon/hub_test
core_daemon_hub_test_CPPFLAGS = $(DAEMON_CPPFLAGS)
core_daemon_hub_test_SOURCES = \
	core/daemon/hub_test.c \
	core/daemon/bus_reload.c core/daemon/bus_try.c core/daemon/bus_wire.c core/daemon/hub_transport.c \
	core/daemon/plugin_files.c core/daemon/try.c core/daemon/try.h \
	core/daemon/hub.c core/daemon/hub.h core/daemon/hub_priv.h \
	core/daemon/hub_bus.c \
	core/daemon/hub_tree.c \
	$(DAEMON_COMMON)
core_daemon_hub_test_LDADD = $(KIT_LIBS) $(LIBSERVE) $(PLUG_LIBS)
endif
