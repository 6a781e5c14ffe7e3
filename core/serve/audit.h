/* SPDX-License-Identifier: Apache-2.0
 * /hub/audit: the audit trail, in JSON. */
#ifndef LINTEL_SERVE_AUDIT_H
#define LINTEL_SERVE_AUDIT_H
#include "core/serve/inside.h"

/* GET with count= (the newest so many, 100), before= (a number), thing= and who=. */
void lintel_serve_audit(struct lintel_call *c);
/* The tree ends before its trail: what is looked for has nobody to go to any more. */
void lintel_audit_end(struct lintel_tree *t);
#endif
