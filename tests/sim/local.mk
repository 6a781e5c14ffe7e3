# parts of tests/sim
