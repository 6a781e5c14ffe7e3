# parts of tests/bench
