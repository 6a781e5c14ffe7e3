dist_man_MANS += docs/man/lintel.1 docs/man/linteld.8 docs/man/lintel-new-plugin.1 docs/man/lintel-plugin-check.1
man5_MANS = docs/man/lintel.yaml.5 docs/man/lintel-binding.5
EXTRA_DIST += docs/man/lintel.yaml.5.in docs/man/lintel-binding.5.in \
	docs/addresses.md docs/architecture.md docs/benchmarks.md docs/directory.md docs/principles.md docs/recording.md docs/rights.md docs/security.md docs/serial-lines.md docs/tutorial-binding.md docs/values.md \
	docs/debugging.md \
	docs/decisions

# Pages with tables are made from the plugins that were built.
noinst_PROGRAMS += docs/man/tables
docs_man_tables_SOURCES = docs/man/tables.c
docs_man_tables_LDADD = $(PLUG_LIBS)
docs/man/lintel.yaml.5: docs/man/lintel.yaml.5.in docs/man/tables$(EXEEXT) $(plugins_PROGRAMS)
	$(AM_V_GEN)docs/man/tables ports $(srcdir)/docs/man/lintel.yaml.5.in $(plugins_PROGRAMS) >$@.tmp && mv $@.tmp $@
docs/man/lintel-binding.5: docs/man/lintel-binding.5.in docs/man/tables$(EXEEXT) $(plugins_PROGRAMS)
	$(AM_V_GEN)docs/man/tables address $(srcdir)/docs/man/lintel-binding.5.in $(plugins_PROGRAMS) >$@.tmp && mv $@.tmp $@
CLEANFILES += $(man5_MANS)
