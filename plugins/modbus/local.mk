# parts of plugins/modbus
