/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/rights.h"

#include "lintel/transport.h"

uint32_t
lintel_rights_of(const struct lintel_rights *r, const struct lintel_who *who, const char *zone)
{
    const uint32_t things = LINTEL_MAY_READ | LINTEL_MAY_WRITE | LINTEL_MAY_REGISTER;
    (void)r, (void)zone;
    if (who->flags & LINTEL_X_LOOPBACK)
        return things | LINTEL_MAY_MANAGE;
    return who->flags & LINTEL_X_OPEN ? things : 0;
}
