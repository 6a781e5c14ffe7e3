noinst_LIBRARIES += $(LIBTRUST)
core_trust_libtrust_a_SOURCES = core/trust/empty.c
