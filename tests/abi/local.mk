# What was built with the headers of each minor must go on to run (tests/integration/abi.sh).
EXTRA_DIST += tests/abi/README.md tests/abi/1.0
