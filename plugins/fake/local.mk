# A device for tests, in two builds: one works on the loop, one blocks. Not installed.
noinst_PROGRAMS += plugins/fake/fake.so plugins/fake/fake-blocking.so
plugins_fake_fake_so_SOURCES = plugins/fake/fake.c
plugins_fake_fake_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_fake_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_fake_blocking_so_SOURCES = plugins/fake/fake.c
plugins_fake_fake_blocking_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAKE_BLOCKING
plugins_fake_fake_blocking_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_fake_blocking_so_LDFLAGS = $(PLUGIN_LINK)
# A transport for tests of how transports are carried. Not installed.
noinst_PROGRAMS += plugins/fake/fake-transport.so
plugins_fake_fake_transport_so_SOURCES = plugins/fake/fake_transport.c
plugins_fake_fake_transport_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_fake_transport_so_LDFLAGS = $(PLUGIN_LINK)

# Plugins that are wrong in one way each: one source, built once for each name. NAME of kind-name.so is -DNAME in
# capitals, behind a prefix of the kind.
wrong_names = entry magic major minor name size table taken
faulty_names = \
	none entry export symbol execstack constructor required optional createio createcall leak fdleak threadleak \
	lost twice stranger nan stack never duplicate novalue write exit late cut cancel stop after timer loop \
	publish log cloexec signal locale folder umask environment secret malloc mallocleak
trap_names = crash exec exit hang liar
wrong_plugins = $(wrong_names:%=plugins/fake/wrong-%.so)
faulty_plugins = $(faulty_names:%=plugins/fake/faulty-%.so)
trap_plugins = $(trap_names:%=plugins/fake/traps/trap-%.so)
ambush_plugins = plugins/fake/ambush/fake.so plugins/fake/ambush/fake-transport.so
check_DATA += $(wrong_plugins) $(faulty_plugins) $(trap_plugins) $(ambush_plugins)
CLEANFILES += $(wrong_plugins) $(faulty_plugins) $(trap_plugins) $(ambush_plugins)
plugin_headers = $(lintelinclude_HEADERS) $(lintelextinclude_HEADERS)
BUILD_WRONG = $(AM_V_CCLD)$(MKDIR_P) $(@D) && NAME=`echo $* | tr a-z A-Z` && \
	$(CC) $(AM_CPPFLAGS) $(CPPFLAGS) $(PLUGIN_COMPILE) $(CFLAGS) $(PLUGIN_LINK) $(WRONG_LINK) $(LDFLAGS) -o $@ $<
# Files that the loader has to refuse.
plugins/fake/wrong-%.so: plugins/fake/wrong.c $(plugin_headers)
	$(BUILD_WRONG) -DWRONG_$$NAME
# One fault each, for the conformance suite to find.
plugins/fake/faulty-%.so: plugins/fake/faulty.c $(plugin_headers)
	$(BUILD_WRONG) -DFAULT=FAULT_$$NAME -DONLY_$$NAME
plugins/fake/faulty-symbol.so: PLUGIN_LINK = -shared $(LINTEL_SANITIZE)
plugins/fake/faulty-execstack.so: WRONG_LINK = -Wl,-z,execstack
# These do harm when they are opened.
plugins/fake/traps/trap-%.so: plugins/fake/trap.c $(plugin_headers)
	$(BUILD_WRONG) -DTRAP_$$NAME -DTRAP_NAME='"trap-$*"'
# Like the ones above, they do what they should; but opening them leaves a mark, where it is not in a cage.
plugins/fake/ambush/fake.so: plugins/fake/fake.c plugins/fake/ambush.h $(plugin_headers)
	$(BUILD_WRONG) -DFAKE_AMBUSH
plugins/fake/ambush/fake-transport.so: plugins/fake/fake_transport.c plugins/fake/ambush.h $(plugin_headers)
	$(BUILD_WRONG) -DFAKE_AMBUSH

dist_check_SCRIPTS += plugins/fake/check.sh
TESTS += plugins/fake/check.sh
EXTRA_DIST += plugins/fake/ambush.h plugins/fake/faulty.c plugins/fake/trap.c plugins/fake/wrong.c

# A plugin that tries to get out of its cage, with different needs.
check_PROGRAMS += plugins/fake/escape.so plugins/fake/escape-serial.so plugins/fake/escape-network.so
plugins_fake_escape_so_SOURCES = plugins/fake/escape.c
plugins_fake_escape_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_escape_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_escape_serial_so_SOURCES = plugins/fake/escape.c
plugins_fake_escape_serial_so_CPPFLAGS = $(AM_CPPFLAGS) -DESCAPE_NEEDS=LINTEL_NEED_SERIAL -DESCAPE_NAME='"escape-serial"'
plugins_fake_escape_serial_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_escape_serial_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_escape_network_so_SOURCES = plugins/fake/escape.c
plugins_fake_escape_network_so_CPPFLAGS = $(AM_CPPFLAGS) -DESCAPE_NEEDS='(LINTEL_NEED_NETWORK|LINTEL_NEED_ADDRESSES)' -DESCAPE_NAME='"escape-network"'
plugins_fake_escape_network_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_escape_network_so_LDFLAGS = $(PLUGIN_LINK)
