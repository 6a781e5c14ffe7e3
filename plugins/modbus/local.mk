plugins_PROGRAMS += plugins/modbus/modbus.so
modbus_pure = \
	plugins/modbus/modbus_pdu.c plugins/modbus/modbus_pdu.h \
	plugins/modbus/modbus_plan.c plugins/modbus/modbus_plan.h
modbus_sources = $(modbus_pure) \
	plugins/modbus/modbus.c plugins/modbus/modbus.h \
	plugins/modbus/modbus_given.c \
	plugins/modbus/modbus_link.c plugins/modbus/modbus_link.h \
	plugins/modbus/modbus_read.c \
	plugins/modbus/modbus_rtu.c \
	plugins/modbus/modbus_tcp.c \
	plugins/modbus/modbus_write.c
plugins_modbus_modbus_so_CFLAGS = $(PLUGIN_COMPILE) $(MODBUS_CFLAGS)
plugins_modbus_modbus_so_LDFLAGS = $(PLUGIN_LINK)
plugins_modbus_modbus_so_SOURCES = $(modbus_sources)
plugins_modbus_modbus_so_LDADD = $(MODBUS_LIBS)
EXTRA_DIST += plugins/modbus/README.md
