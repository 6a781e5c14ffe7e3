EXTRA_DIST += tests/sim/demo tests/sim/demo-site tests/sim/demo.modbus

noinst_PROGRAMS += tests/sim/modbus_sim
tests_sim_modbus_sim_SOURCES = \
	tests/sim/modbus_sim.c \
	tests/sim/modbus_unit.c tests/sim/modbus_unit.h

if HAVE_MQTT
noinst_PROGRAMS += tests/sim/zigbee_sim
tests_sim_zigbee_sim_SOURCES = tests/sim/zigbee_sim.c
tests_sim_zigbee_sim_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_sim_zigbee_sim_LDADD = -lpaho-mqtt3c $(JANSSON_LIBS)
endif
