# parts of tests/lint
