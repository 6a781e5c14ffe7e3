/* SPDX-License-Identifier: Apache-2.0
 * The models of the kinds of things that run: /models, /models/{id}; and their bindings: /maps,
 * /maps/{id}. */
#ifndef LINTEL_SERVE_MODELS_H
#define LINTEL_SERVE_MODELS_H
#include "core/serve/inside.h"

void lintel_serve_models(struct lintel_call *c);
/* The resolved SDF document, or the Thing Model made of it. */
void lintel_serve_model(struct lintel_call *c, const lintel_span *id);
void lintel_serve_maps(struct lintel_call *c);
/* The Supplement as the site has it. */
void lintel_serve_map(struct lintel_call *c, const lintel_span *id);
#endif
