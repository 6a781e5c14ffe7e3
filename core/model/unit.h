/* SPDX-License-Identifier: Apache-2.0
 * Units: the SenML registries (RFC 8428 section 12.1, RFC 8798) and exact conversion between them.
 */
#ifndef LINTEL_MODEL_UNIT_H
#define LINTEL_MODEL_UNIT_H
#include <stdint.h>

/* primary = value * num / den + offset_num / offset_den, all exact in 53 bits. */
struct lintel_linear {
    int64_t num, den;               /* den > 0 */
    int64_t offset_num, offset_den; /* offset_den > 0 */
};
struct lintel_unit {
    const char *symbol; /* "kW", "Cel" */
    const char
        *primary; /* the unit of RFC 8428 that it converts to: "W"; itself for a primary one */
    struct lintel_linear to_primary;
    const char *name; /* "kilowatt" */
};
/* NULL if the symbol is in no registry. Also a few that building devices use and no registry has
 * ("degF", "psi", "%", "l/min", "ft3/min" ...), each with its primary one. */
const struct lintel_unit *lintel_unit_find(const char *symbol);
/* A symbol that was probably meant ("C" -> "Cel"), or NULL. */
const char *lintel_unit_nearest(const char *symbol);
/* to = from * num / den + offset; exact, but where the fraction takes more than 53 bits (psi to
 * inHg) the nearest that takes less. -1: they measure different things. */
int lintel_unit_convert(const struct lintel_unit *from, const struct lintel_unit *to,
                        struct lintel_linear *ret);
/* Walks the table; NULL after the last. */
const struct lintel_unit *lintel_unit_at(uint32_t i);
#endif
