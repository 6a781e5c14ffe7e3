# parts of core/daemon
