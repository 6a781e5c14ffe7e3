# parts of bindings
