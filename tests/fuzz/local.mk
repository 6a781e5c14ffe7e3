# parts of tests/fuzz
