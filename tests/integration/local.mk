# A whole hub and real clients. Each script has its own ports and folders, so they may run side by side.
integration_tests = \
	tests/integration/abi.sh \
	tests/integration/addresses.sh \
	tests/integration/cage.sh \
	tests/integration/carried.sh \
	tests/integration/chaos.sh \
	tests/integration/check.sh \
	tests/integration/churn.sh \
	tests/integration/coap.sh \
	tests/integration/demo.sh \
	tests/integration/directory.sh \
	tests/integration/drought.sh \
	tests/integration/faults.sh \
	tests/integration/groups.sh \
	tests/integration/isolation.sh \
	tests/integration/kit.sh \
	tests/integration/line.sh \
	tests/integration/local.sh \
	tests/integration/memory.sh \
	tests/integration/misbehaviour.sh \
	tests/integration/modbus.sh \
	tests/integration/mqtt.sh \
	tests/integration/plugins.sh \
	tests/integration/reload.sh \
	tests/integration/rights.sh \
	tests/integration/secure.sh \
	tests/integration/senml.sh \
	tests/integration/starts.sh \
	tests/integration/starved.sh \
	tests/integration/supervise.sh \
	tests/integration/swap.sh \
	tests/integration/tape.sh \
	tests/integration/told.sh \
	tests/integration/wot.sh
dist_check_SCRIPTS += $(integration_tests)
EXTRA_DIST += \
	tests/integration/lib.sh \
	tests/integration/steady.c \
	tests/integration/whole.sh
if HAVE_MODBUS
if HAVE_MQTT
if HAVE_COAP
TESTS += $(integration_tests)
endif
endif
endif
