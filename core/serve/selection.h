/* SPDX-License-Identifier: Apache-2.0
 * The readable properties of a thing as a SenML pack, all of them or a selection: represented and
 * observed. */
#ifndef LINTEL_SERVE_SELECTION_H
#define LINTEL_SERVE_SELECTION_H
#include "core/serve/inside.h"

struct lintel_selected { /* one record that is wanted */
    uint32_t i;          /* of the profile's points */
    int has_time;        /* only the record of this time, s since 1970 */
    double time;
    const char *unit;  /* only a record in this unit; "" = any */
    const char *error; /* told with it; NULL: none */
    int unread;        /* it could not be read just now: not good, whatever is stored */
};
struct lintel_selection { /* in the order in which it was asked for */
    uint32_t n;
    struct lintel_selected *at;
};

/* Whether a property of the profile has a record in the pack, once it has a value. */
int lintel_pack_has(const struct lintel_bound *b);
/* 2.05 with the records that have a value. s NULL: all of the thing; ret_n: how many, or NULL. */
lintel_answer lintel_pack_represent(const struct lintel_tree *t, struct lintel_live_thing *thing,
                                    const struct lintel_selection *s, int32_t format,
                                    struct lintel_buf *b, uint32_t *ret_n);
/* 2.05, or 2.03 where the peer has these bytes already. */
void lintel_pack_answer(struct lintel_call *c, lintel_answer *a);
/* Sends the first representation of an observation, with o->thing, format, conditions and selection
 * set. What can't be observed is answered nevertheless, without LINTEL_ANSWER_MORE. */
void lintel_pack_observe(struct lintel_open *o, lintel_answer *a);
#endif
