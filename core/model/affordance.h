/* SPDX-License-Identifier: Apache-2.0
 * The affordances of a resolved tree, in the order of the document. */
#ifndef LINTEL_MODEL_AFFORDANCE_H
#define LINTEL_MODEL_AFFORDANCE_H
#include "core/model/sdf.h"
#include "core/model/tree.h"

struct lintel_affordance_source {
    struct lintel_tree *tree; /* with its root */
    const char *uri;          /* of affordances whose document has no namespace; or NULL */
    /* Groups at the top that count, by "sdfObject/EnergyMeter"; empty: all. Values are anything. */
    const struct lintel_map *selected;
};
/* Into the tree's arena. -1 with the reasons in the tree's report. */
int lintel_affordances_read(const struct lintel_affordance_source *s,
                            const struct lintel_affordance **ret, uint32_t *ret_n);
#endif
