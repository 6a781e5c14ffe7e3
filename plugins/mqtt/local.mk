plugins_PROGRAMS += plugins/mqtt/mqtt.so
plugins_mqtt_mqtt_so_CFLAGS = $(PLUGIN_COMPILE)
plugins_mqtt_mqtt_so_LDFLAGS = $(PLUGIN_LINK)
plugins_mqtt_mqtt_so_LDADD = $(MQTT_LIBS)
mqtt_sources = \
	plugins/mqtt/mqtt.c plugins/mqtt/mqtt.h \
	plugins/mqtt/mqtt_request.c \
	plugins/mqtt/mqtt_route.c plugins/mqtt/mqtt_route.h \
	plugins/mqtt/mqtt_session.c \
	plugins/mqtt/mqtt_topic.c plugins/mqtt/mqtt_topic.h
plugins_mqtt_mqtt_so_SOURCES = $(mqtt_sources)
