/* SPDX-License-Identifier: Apache-2.0
 * Thing Descriptions (W3C WoT TD 1.1) and Thing Models, made of the same walk over a profile as the
 * resource tree: what a TD names is there, and what is there is named.
 *
 *   /d/{thing}/td, /.well-known/wot at a thing's own address   the thing's TD
 *   /.well-known/wot                                            the hub's own, a directory of TDs
 *   /tdd/things, /tdd/things/{thing}                            the TDs of all things
 *   /models/{id} with Accept 433                                a Thing Model */
#ifndef LINTEL_SERVE_TD_H
#define LINTEL_SERVE_TD_H
#include "core/serve/inside.h"

void lintel_serve_td(struct lintel_call *c, struct lintel_live_thing *thing, int own_root);
void lintel_serve_hub_td(struct lintel_call *c);
/* c->path is what stands behind "tdd". */
void lintel_serve_td_directory(struct lintel_call *c);
/* Appends the Thing Model of a kind of thing. */
void lintel_thing_model(struct lintel_buf *b, const struct lintel_profile *p);
#endif
