# parts of plugins/fake
