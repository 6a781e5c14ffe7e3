# Faults that are preloaded into a hub (tests/integration/faults.sh). Not where a sanitizer's runtime, which interposes the
# same functions, must come first.
EXTRA_DIST += tests/faults/control.py
if !SANITIZED
check_PROGRAMS += tests/faults/faults.so
tests_faults_faults_so_CFLAGS = -std=gnu11 $(LINTEL_WARNINGS) -Wno-pedantic -U_FORTIFY_SOURCE -fPIC -fvisibility=hidden
tests_faults_faults_so_LDFLAGS = -shared
tests_faults_faults_so_SOURCES = tests/faults/faults.c
endif
