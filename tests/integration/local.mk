# parts of tests/integration
