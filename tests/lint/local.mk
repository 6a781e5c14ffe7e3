dist_check_SCRIPTS += tests/lint/lint
EXTRA_DIST += tests/lint/layers.awk tests/lint/circles.awk
TESTS += tests/lint/lint
