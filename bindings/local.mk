dist_bindings_DATA += bindings/acme-em1.sdf-supplement.yaml
dist_bindings_DATA += bindings/breathe-co2.sdf-supplement.yaml
dist_bindings_DATA += bindings/nordwind-hp.sdf-supplement.yaml
dist_bindings_DATA += bindings/volta-m3.sdf-supplement.yaml
dist_bindings_DATA += bindings/zigbee-climate.sdf-supplement.yaml
dist_bindings_DATA += bindings/zigbee-lamp.sdf-supplement.yaml
dist_bindings_DATA += bindings/zigbee-switch.sdf-supplement.yaml
# What devices said, for the tests in the bindings (lintel record).
recordingsdir = $(bindingsdir)/recordings
dist_recordings_DATA = bindings/recordings/demo-gateway.pcapng
