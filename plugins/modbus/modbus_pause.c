/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_pause.h"

#include <errno.h>
#include <time.h>

void
mb_pause(const lintel_host *h, lintel_mono ns)
{
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    (void)h;
    while (nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
}
