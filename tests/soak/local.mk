# What takes long: ./setup soak runs each script.
EXTRA_DIST += tests/soak/chaos.sh tests/soak/line.sh tests/soak/starts.sh tests/soak/starved.sh tests/soak/starved.py
