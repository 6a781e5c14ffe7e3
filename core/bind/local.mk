noinst_LIBRARIES += $(LIBBIND)
core_bind_libbind_a_SOURCES = core/bind/empty.c
