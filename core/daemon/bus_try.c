#include "core/daemon/hub_priv.h"
const struct bus_verb bus_try_verb = {"try", 2, 0, 0};
