dist_bindings_DATA += bindings/zigbee-climate.sdf-supplement.yaml
dist_bindings_DATA += bindings/zigbee-lamp.sdf-supplement.yaml
dist_bindings_DATA += bindings/zigbee-switch.sdf-supplement.yaml
