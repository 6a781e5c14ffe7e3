/* SPDX-License-Identifier: Apache-2.0
 * The models of the things that run, for whoever wants to know what a value means: /models lists
 * them, /models/{id} is one SDF document (RFC 9880) with its references followed and its binding
 * merged in. */
#ifndef LINTEL_SERVE_MODELS_H
#define LINTEL_SERVE_MODELS_H
#include "core/serve/inside.h"

void lintel_serve_models(struct lintel_call *c);
void lintel_serve_model(struct lintel_call *c, const lintel_span *id);
#endif
