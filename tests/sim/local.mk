EXTRA_DIST += tests/sim/demo tests/sim/demo-site tests/sim/demo.modbus tests/sim/line.sh

noinst_PROGRAMS += tests/sim/modbus_sim
tests_sim_modbus_sim_SOURCES = \
	tests/sim/modbus_sim.c \
	tests/sim/modbus_line.c tests/sim/modbus_line.h \
	tests/sim/modbus_unit.c tests/sim/modbus_unit.h

if HAVE_MQTT
noinst_PROGRAMS += tests/sim/zigbee_sim
tests_sim_zigbee_sim_SOURCES = tests/sim/zigbee_sim.c
tests_sim_zigbee_sim_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_sim_zigbee_sim_LDADD = -lpaho-mqtt3c $(JANSSON_LIBS)
endif

if HAVE_CUNIT
if HAVE_MODBUS
check_PROGRAMS += tests/sim/line_test
TESTS += tests/sim/line_test
tests_sim_line_test_SOURCES = tests/sim/line_test.c \
	tests/sim/line_house.c tests/sim/line_house.h \
	tests/sim/modbus_line.c tests/sim/modbus_line.h \
	tests/sim/modbus_unit.c tests/sim/modbus_unit.h \
	$(modbus_core)
tests_sim_line_test_LDADD = $(KIT_LIBS) $(ENGINE_LIBS)
endif
endif
