EXTRA_DIST += tests/fuzz/run tests/fuzz/minimise tests/fuzz/corpus tests/fuzz/dict
