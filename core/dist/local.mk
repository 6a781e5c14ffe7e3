pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = core/dist/lintel-kit.pc core/dist/lintel-plugin.pc
EXTRA_DIST += core/dist/linteld.service.in core/dist/lintel.sysusers core/dist/lintel.tmpfiles \
	core/dist/lintel.bash-completion

completiondir = $(datadir)/bash-completion/completions
completion_DATA = core/dist/lintel
core/dist/lintel: core/dist/lintel.bash-completion
	$(AM_V_GEN)$(MKDIR_P) core/dist && cp $(srcdir)/core/dist/lintel.bash-completion $@
CLEANFILES += core/dist/lintel

if SYSTEMD
systemunitdir = $(systemddir)/systemd/system
systemunit_DATA = core/dist/linteld.service
sysusersdir = $(systemddir)/sysusers.d
sysusers_DATA = core/dist/lintel.conf
tmpfilesdir = $(systemddir)/tmpfiles.d
tmpfiles_DATA = core/dist/tmpfiles/lintel.conf
endif
core/dist/linteld.service: core/dist/linteld.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) core/dist && $(SED) 's|@sbindir[@]|$(sbindir)|' $(srcdir)/core/dist/linteld.service.in >$@
core/dist/lintel.conf: core/dist/lintel.sysusers
	$(AM_V_GEN)$(MKDIR_P) core/dist && cp $(srcdir)/core/dist/lintel.sysusers $@
core/dist/tmpfiles/lintel.conf: core/dist/lintel.tmpfiles
	$(AM_V_GEN)$(MKDIR_P) core/dist/tmpfiles && cp $(srcdir)/core/dist/lintel.tmpfiles $@
CLEANFILES += core/dist/linteld.service core/dist/lintel.conf core/dist/tmpfiles/lintel.conf
