EXTRA_DIST += tests/fuzz/run tests/fuzz/corpus
