check_PROGRAMS += tests/sim/modbus_sim
tests_sim_modbus_sim_SOURCES = \
	tests/sim/modbus_sim.c \
	tests/sim/modbus_unit.c tests/sim/modbus_unit.h
EXTRA_DIST += tests/sim/modbus_demo.args
