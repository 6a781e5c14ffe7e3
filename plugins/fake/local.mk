# A device for tests, in two builds: one works on the loop, one blocks. Not installed.
noinst_PROGRAMS += plugins/fake/fake.so plugins/fake/fake-blocking.so
plugins_fake_fake_so_SOURCES = plugins/fake/fake.c
plugins_fake_fake_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_fake_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_fake_blocking_so_SOURCES = plugins/fake/fake.c
plugins_fake_fake_blocking_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAKE_BLOCKING
plugins_fake_fake_blocking_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_fake_blocking_so_LDFLAGS = $(PLUGIN_LINK)

# Files that the loader has to refuse.
wrong_plugins = plugins/fake/wrong-major.so plugins/fake/wrong-minor.so plugins/fake/wrong-magic.so \
	plugins/fake/wrong-entry.so plugins/fake/wrong-size.so plugins/fake/wrong-table.so \
	plugins/fake/wrong-name.so plugins/fake/wrong-taken.so
check_PROGRAMS += $(wrong_plugins)
plugins_fake_wrong_major_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_major_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_MAJOR
plugins_fake_wrong_major_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_major_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_minor_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_minor_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_MINOR
plugins_fake_wrong_minor_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_minor_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_magic_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_magic_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_MAGIC
plugins_fake_wrong_magic_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_magic_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_entry_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_entry_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_ENTRY
plugins_fake_wrong_entry_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_entry_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_size_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_size_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_SIZE
plugins_fake_wrong_size_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_size_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_table_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_table_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_TABLE
plugins_fake_wrong_table_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_table_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_name_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_name_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_NAME
plugins_fake_wrong_name_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_name_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_wrong_taken_so_SOURCES = plugins/fake/wrong.c
plugins_fake_wrong_taken_so_CPPFLAGS = $(AM_CPPFLAGS) -DWRONG_TAKEN
plugins_fake_wrong_taken_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_wrong_taken_so_LDFLAGS = $(PLUGIN_LINK)

# A plugin that tries to get out of its cage, and ones that do harm when they are opened.
check_PROGRAMS += plugins/fake/escape.so plugins/fake/escape-serial.so plugins/fake/escape-network.so \
	plugins/fake/traps/trap-crash.so plugins/fake/traps/trap-hang.so plugins/fake/traps/trap-exit.so plugins/fake/traps/trap-exec.so
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
plugins_fake_traps_trap_crash_so_SOURCES = plugins/fake/trap.c
plugins_fake_traps_trap_crash_so_CPPFLAGS = $(AM_CPPFLAGS) -DTRAP_CRASH -DTRAP_NAME='"trap-crash"'
plugins_fake_traps_trap_crash_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_traps_trap_crash_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_traps_trap_hang_so_SOURCES = plugins/fake/trap.c
plugins_fake_traps_trap_hang_so_CPPFLAGS = $(AM_CPPFLAGS) -DTRAP_HANG -DTRAP_NAME='"trap-hang"'
plugins_fake_traps_trap_hang_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_traps_trap_hang_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_traps_trap_exit_so_SOURCES = plugins/fake/trap.c
plugins_fake_traps_trap_exit_so_CPPFLAGS = $(AM_CPPFLAGS) -DTRAP_EXIT -DTRAP_NAME='"trap-exit"'
plugins_fake_traps_trap_exit_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_traps_trap_exit_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_traps_trap_exec_so_SOURCES = plugins/fake/trap.c
plugins_fake_traps_trap_exec_so_CPPFLAGS = $(AM_CPPFLAGS) -DTRAP_EXEC -DTRAP_NAME='"trap-exec"'
plugins_fake_traps_trap_exec_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_traps_trap_exec_so_LDFLAGS = $(PLUGIN_LINK)
