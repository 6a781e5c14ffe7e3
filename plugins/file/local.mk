# parts of plugins/file
