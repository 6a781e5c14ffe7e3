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
