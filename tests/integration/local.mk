# A whole hub and real clients. Each script has its own ports and folders, so they may run side by side.
integration_tests = \
	tests/integration/abi.sh \
	tests/integration/addresses.sh \
	tests/integration/chaos.sh \
	tests/integration/carried.sh tests/integration/check.sh \
	tests/integration/churn.sh \
	tests/integration/coap.sh \
	tests/integration/demo.sh \
	tests/integration/directory.sh \
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
	tests/integration/supervise.sh \
	tests/integration/swap.sh \
	tests/integration/tape.sh \
	tests/integration/wot.sh
dist_check_SCRIPTS += $(integration_tests)
EXTRA_DIST += \
	tests/integration/lib.sh \
	tests/abi/1.0/SHA256SUMS \
	tests/abi/1.0/lintel/ext/given.h \
	tests/abi/1.0/lintel/ext/loop.h \
	tests/abi/1.0/lintel/ext/resources.h \
	tests/abi/1.0/lintel/plugin.h \
	tests/abi/1.0/lintel/transport.h \
	tests/abi/1.0/old-blocking.c \
	tests/abi/1.0/old-push.c \
	tests/abi/1.0/old-resources.c \
	tests/abi/1.0/old-transport.c \
	tests/abi/README.md \
	tests/integration/steady.c \
	tests/integration/whole.sh \
	tests/sim/line.sh \
	tests/soak/chaos.sh \
	tests/soak/line.sh \
	tests/wot/consumer.js \
	tests/wot/package-lock.json \
	tests/wot/package.json
if HAVE_MODBUS
if HAVE_MQTT
if HAVE_COAP
TESTS += $(integration_tests)
endif
endif
endif
