# A Web of Things consumer of other people's, on a whole hub (tests/integration/wot.sh).
EXTRA_DIST += tests/wot/consumer.js tests/wot/package.json tests/wot/package-lock.json
