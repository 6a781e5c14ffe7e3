# The kit of plugin authors: a static library for their tests, the conformance suite, the generator.
lib_LIBRARIES += core/kit/liblintelkit.a
core_kit_liblintelkit_a_CFLAGS = $(LINTEL_CFLAGS) -fPIC
core_kit_liblintelkit_a_SOURCES = \
	core/kit/host.c core/kit/host_priv.h \
	core/kit/hostside.c \
	core/kit/main.c \
	core/kit/peer.c \
	core/kit/transport.c \
	core/kit/values.c
LIBLINTELKIT = core/kit/liblintelkit.a

bin_PROGRAMS += bin/lintel-plugin-check
bin_lintel_plugin_check_SOURCES = \
	core/kit/check.c core/kit/check.h \
	core/kit/check_alloc.c \
	core/kit/check_ask.c \
	core/kit/check_file.c \
	core/kit/check_life.c \
	core/kit/check_rig.c \
	core/kit/check_sim.c core/kit/check_sim.h \
	core/kit/check_traces.c
bin_lintel_plugin_check_LDADD = $(LIBLINTELKIT) $(PLUG_LIBS)
