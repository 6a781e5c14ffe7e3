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
	core/kit/check_traces.c \
	core/kit/image.c core/kit/image.h
bin_lintel_plugin_check_LDADD = $(LIBLINTELKIT) $(PLUG_LIBS)

bin_SCRIPTS += core/kit/lintel-new-plugin
EXTRA_DIST += core/kit/lintel-new-plugin.in
core/kit/lintel-new-plugin: core/kit/lintel-new-plugin.in Makefile
	$(AM_V_GEN)$(MKDIR_P) core/kit && $(SED) 's|@templatedir[@]|$(templatedir)|' $(srcdir)/core/kit/lintel-new-plugin.in >$@.tmp && \
		chmod +x $@.tmp && mv $@.tmp $@
CLEANFILES += core/kit/lintel-new-plugin

# What lintel-new-plugin makes a plugin of; NAME stands for its name.
templatedir = $(datadir)/lintel/template
template_templatedir = $(templatedir)/common
dist_template_template_DATA = \
	core/kit/template/common/Makefile \
	core/kit/template/common/NAME.c.in \
	core/kit/template/common/NAME_fuzz.c.in \
	core/kit/template/common/NAME_link.h.in \
	core/kit/template/common/NAME_pdu.c.in \
	core/kit/template/common/NAME_pdu.h.in \
	core/kit/template/common/NAME_sim.c.in \
	core/kit/template/common/NAME_test.c.in \
	core/kit/template/common/NAME_wire.c.in \
	core/kit/template/common/NAME_wire.h.in \
	core/kit/template/common/README.md \
	core/kit/template/common/run.sh
template_templatesitebindingsdir = $(templatedir)/common/site/bindings
dist_template_templatesitebindings_DATA = \
	core/kit/template/common/site/bindings/NAME-device.sdf-supplement.yaml
template_templatesitedir = $(templatedir)/common/site
dist_template_templatesite_DATA = \
	core/kit/template/common/site/lintel.yaml
template_templatesitemodelsdir = $(templatedir)/common/site/models
dist_template_templatesitemodels_DATA = \
	core/kit/template/common/site/models/NAME-sensor.sdf.yaml
template_templatesitethingsdir = $(templatedir)/common/site/things
dist_template_templatesitethings_DATA = \
	core/kit/template/common/site/things/things.yaml
template_templateserialdir = $(templatedir)/serial
dist_template_templateserial_DATA = \
	core/kit/template/serial/NAME_link.c.in
template_templatetcpdir = $(templatedir)/tcp
dist_template_templatetcp_DATA = \
	core/kit/template/tcp/NAME_link.c.in
template_templateudpdir = $(templatedir)/udp
dist_template_templateudp_DATA = \
	core/kit/template/udp/NAME_link.c.in

if HAVE_CUNIT
check_PROGRAMS += core/kit/host_test core/kit/peer_test
TESTS += core/kit/host_test core/kit/peer_test
core_kit_host_test_SOURCES = core/kit/host_test.c
core_kit_host_test_LDADD = $(KIT_LIBS)
core_kit_peer_test_SOURCES = core/kit/peer_test.c
core_kit_peer_test_LDADD = $(KIT_LIBS)
endif

FUZZERS += core/kit/image_fuzz
core_kit_image_fuzz_SOURCES = core/kit/image_fuzz.c core/kit/image.c $(FUZZ_MAIN)
core_kit_image_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_FLAGS)
core_kit_image_fuzz_LDADD = $(BASE_LIBS)
