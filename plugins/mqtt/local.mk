# parts of plugins/mqtt
