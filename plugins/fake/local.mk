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

# One fault each, for the conformance suite to find; by number, in the order of the enum in faulty.c.
faulty_plugins = \
	plugins/fake/faulty-none.so \
	plugins/fake/faulty-entry.so \
	plugins/fake/faulty-export.so \
	plugins/fake/faulty-symbol.so \
	plugins/fake/faulty-execstack.so \
	plugins/fake/faulty-constructor.so \
	plugins/fake/faulty-required.so \
	plugins/fake/faulty-optional.so \
	plugins/fake/faulty-createio.so \
	plugins/fake/faulty-createcall.so \
	plugins/fake/faulty-leak.so \
	plugins/fake/faulty-fdleak.so \
	plugins/fake/faulty-threadleak.so \
	plugins/fake/faulty-lost.so \
	plugins/fake/faulty-twice.so \
	plugins/fake/faulty-stranger.so \
	plugins/fake/faulty-nan.so \
	plugins/fake/faulty-stack.so \
	plugins/fake/faulty-never.so \
	plugins/fake/faulty-duplicate.so \
	plugins/fake/faulty-novalue.so \
	plugins/fake/faulty-write.so \
	plugins/fake/faulty-exit.so \
	plugins/fake/faulty-late.so \
	plugins/fake/faulty-cut.so \
	plugins/fake/faulty-cancel.so \
	plugins/fake/faulty-stop.so \
	plugins/fake/faulty-after.so \
	plugins/fake/faulty-timer.so \
	plugins/fake/faulty-loop.so \
	plugins/fake/faulty-publish.so \
	plugins/fake/faulty-log.so \
	plugins/fake/faulty-cloexec.so \
	plugins/fake/faulty-signal.so \
	plugins/fake/faulty-locale.so \
	plugins/fake/faulty-folder.so \
	plugins/fake/faulty-umask.so \
	plugins/fake/faulty-environment.so \
	plugins/fake/faulty-secret.so \
	plugins/fake/faulty-malloc.so \
	plugins/fake/faulty-mallocleak.so
check_PROGRAMS += $(faulty_plugins)
plugins_fake_faulty_none_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_none_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=0
plugins_fake_faulty_none_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_none_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_entry_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_entry_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=1
plugins_fake_faulty_entry_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_entry_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_export_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_export_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=2
plugins_fake_faulty_export_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_export_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_symbol_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_symbol_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=3
plugins_fake_faulty_symbol_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_symbol_so_LDFLAGS = -shared $(LINTEL_SANITIZE)
plugins_fake_faulty_execstack_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_execstack_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=4
plugins_fake_faulty_execstack_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_execstack_so_LDFLAGS = $(PLUGIN_LINK) -Wl,-z,execstack
plugins_fake_faulty_constructor_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_constructor_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=5
plugins_fake_faulty_constructor_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_constructor_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_required_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_required_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=6
plugins_fake_faulty_required_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_required_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_optional_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_optional_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=7
plugins_fake_faulty_optional_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_optional_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_createio_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_createio_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=8
plugins_fake_faulty_createio_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_createio_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_createcall_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_createcall_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=9
plugins_fake_faulty_createcall_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_createcall_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_leak_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_leak_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=10
plugins_fake_faulty_leak_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_leak_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_fdleak_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_fdleak_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=11
plugins_fake_faulty_fdleak_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_fdleak_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_threadleak_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_threadleak_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=12
plugins_fake_faulty_threadleak_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_threadleak_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_lost_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_lost_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=13
plugins_fake_faulty_lost_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_lost_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_twice_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_twice_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=14
plugins_fake_faulty_twice_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_twice_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_stranger_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_stranger_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=15
plugins_fake_faulty_stranger_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_stranger_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_nan_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_nan_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=16
plugins_fake_faulty_nan_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_nan_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_stack_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_stack_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=17
plugins_fake_faulty_stack_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_stack_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_never_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_never_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=18
plugins_fake_faulty_never_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_never_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_duplicate_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_duplicate_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=19
plugins_fake_faulty_duplicate_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_duplicate_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_novalue_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_novalue_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=20
plugins_fake_faulty_novalue_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_novalue_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_write_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_write_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=21
plugins_fake_faulty_write_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_write_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_exit_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_exit_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=22
plugins_fake_faulty_exit_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_exit_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_late_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_late_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=23
plugins_fake_faulty_late_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_late_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_cut_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_cut_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=24
plugins_fake_faulty_cut_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_cut_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_cancel_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_cancel_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=25 -DWAITS
plugins_fake_faulty_cancel_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_cancel_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_stop_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_stop_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=26 -DWAITS
plugins_fake_faulty_stop_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_stop_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_after_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_after_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=27
plugins_fake_faulty_after_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_after_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_timer_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_timer_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=28 -DWAITS
plugins_fake_faulty_timer_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_timer_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_loop_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_loop_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=29 -DWAITS
plugins_fake_faulty_loop_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_loop_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_publish_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_publish_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=30
plugins_fake_faulty_publish_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_publish_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_log_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_log_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=31
plugins_fake_faulty_log_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_log_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_cloexec_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_cloexec_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=32
plugins_fake_faulty_cloexec_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_cloexec_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_signal_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_signal_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=33
plugins_fake_faulty_signal_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_signal_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_locale_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_locale_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=34
plugins_fake_faulty_locale_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_locale_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_folder_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_folder_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=35
plugins_fake_faulty_folder_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_folder_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_umask_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_umask_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=36
plugins_fake_faulty_umask_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_umask_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_environment_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_environment_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=37
plugins_fake_faulty_environment_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_environment_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_secret_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_secret_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=38
plugins_fake_faulty_secret_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_secret_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_malloc_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_malloc_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=39
plugins_fake_faulty_malloc_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_malloc_so_LDFLAGS = $(PLUGIN_LINK)
plugins_fake_faulty_mallocleak_so_SOURCES = plugins/fake/faulty.c
plugins_fake_faulty_mallocleak_so_CPPFLAGS = $(AM_CPPFLAGS) -DFAULT=40
plugins_fake_faulty_mallocleak_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_fake_faulty_mallocleak_so_LDFLAGS = $(PLUGIN_LINK)

dist_check_SCRIPTS += plugins/fake/check.sh
TESTS += plugins/fake/check.sh
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
