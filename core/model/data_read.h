/* SPDX-License-Identifier: Apache-2.0
 * Building struct lintel_data from checked qualities; for trees that are made of more than one
 * document. */
#ifndef LINTEL_MODEL_DATA_READ_H
#define LINTEL_MODEL_DATA_READ_H
#include "core/model/data.h"

enum { LINTEL_DATA_MEMBERS_MOST = 256 }; /* of one object type */

struct lintel_data_builder {
    struct lintel_place (*place)(void *ctx, const struct lintel_node *n);
    void *ctx;
    struct lintel_arena *arena;
    struct lintel_report *report;
    int quiet; /* no warnings: they were given before */
};
/* node: its qualities have passed lintel_quality_check(). NULL with the reasons. */
const struct lintel_data *lintel_data_build(const struct lintel_data_builder *b,
                                            const struct lintel_node *node);
#endif
