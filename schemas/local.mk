dist_schemas_DATA += \
	schemas/air-quality.sdf.json \
	schemas/climate-sensor.sdf.json \
	schemas/door-contact.sdf.json \
	schemas/energy-meter.sdf.json \
	schemas/fan-coil.sdf.json \
	schemas/heat-meter.sdf.json \
	schemas/heat-pump.sdf.json \
	schemas/lamp.sdf.json \
	schemas/occupancy.sdf.json \
	schemas/pv-inverter.sdf.json \
	schemas/relay.sdf.json \
	schemas/room-controller.sdf.json \
	schemas/valve.sdf.json \
	schemas/wall-switch.sdf.json \
	schemas/water-meter.sdf.json

# JSON Schemas of people's files, with the keys of the plugins that were built.
schemas_DATA = schemas/lintel.yaml.schema.json schemas/binding.schema.json schemas/things.schema.json
$(schemas_DATA): docs/man/tables$(EXEEXT) $(plugins_PROGRAMS)
	$(AM_V_GEN)$(MKDIR_P) schemas && docs/man/tables schema `basename $@ .schema.json` $(plugins_PROGRAMS) >$@.tmp && mv $@.tmp $@
CLEANFILES += $(schemas_DATA)
