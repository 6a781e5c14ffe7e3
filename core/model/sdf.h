/* SPDX-License-Identifier: Apache-2.0
 * Models: SDF documents (RFC 9880), SDF Supplements (draft-ietf-asdf-sdf-mapping), resolved into a
 * flat list of affordances. */
#ifndef LINTEL_MODEL_SDF_H
#define LINTEL_MODEL_SDF_H
#include <stdatomic.h>
#include <stdint.h>

#include "core/base/doc.h"
#include "core/model/data.h"

struct lintel_affordance {
    const char *path; /* as in URIs: "EnergyMeter/p/activePower"; groups in front, array index left
                       * out: "{object}/{i}/p/{name}" is built by who knows the index. Made of
                       * [A-Za-z0-9._-] and '/': other bytes of given names are written _xHH, "_x"
                       * itself _x5Fx; a group named like a resource of ours (p a e s td snapshot
                       * .well-known) or all digits gets a '~' in front */
    const char *name; /* "activePower" */
    const char *pointer; /* JSON pointer in the document:
                            "/sdfObject/EnergyMeter/sdfProperty/activePower" */
    const char *global;  /* global name: namespace URI + "#" + pointer (RFC 9880 section 4.3) */
    const char *label, *description; /* or NULL */
    uint32_t kind;                   /* LINTEL_K_* */
    int readable, writable, observable;
    const struct lintel_data *data;         /* a property's; an event's output */
    const struct lintel_data *input;        /* an action's; NULL: takes none */
    const struct lintel_data *output;       /* an action's; NULL: gives none */
    const struct lintel_node *protocol_map; /* sdfProtocolMap, or NULL */
    const struct lintel_doc *map_doc; /* the document that the map stands in: the Supplement, if it
                                       * says anything of it; see lintel_model_doc */
    struct lintel_place at;
    const char *senml; /* as in SenML names: "EnergyMeter/activePower" */
    int required;      /* sdfRequired: every instance has it */
};

/* A resolved document: sdfRef followed, Supplement applied. Immutable, shared by threads, counted.
 */
struct lintel_model {
    const char *id; /* file name up to .sdf.json / .sdf-supplement */
    const char *file;
    const char *title, *version; /* from info; or NULL */
    const char *namespace_uri;   /* default namespace's; NULL: none */
    uint32_t n;
    const struct lintel_affordance *affordances; /* in the order of the document */
    const struct lintel_node *root;              /* the resolved document */
    struct lintel_doc *doc;                      /* owns all of the above */
    _Atomic uint32_t refs;
};

/* All models of a site: what sdfRef and Supplements may name. One owner thread. */
struct lintel_models;
struct lintel_models *lintel_models_new(void);
void lintel_models_free(struct lintel_models *m);

/* Takes over a parsed document, in both cases. Syntax only (RFC 9880 sections 3 to 5, SD-01):
 * members, types, given names, features. A document of the same id replaces an earlier one (a
 * site's file goes before an installed one). -1 with the reasons in the report. Unknown qualities
 * are warnings; info missing too. */
int lintel_models_add(struct lintel_models *m, const char *id, struct lintel_doc *doc,
                      struct lintel_report *report);
/* The same for a Supplement: `amend` (draft -01 and later) or `map` (older drafts). */
int lintel_models_add_supplement(struct lintel_models *m, const char *id, struct lintel_doc *doc,
                                 struct lintel_report *report);

/* Resolves a Supplement by id together with the models that it amends (found by its default
 * namespace and pointers), or a model by id, or by global name: of a namespace
 * ("https://example.com/models/meter"), or of one group in it ("..#/sdfObject/EnergyMeter"). The
 * affordances are those of all groups (sdfThing, sdfObject) of the document; of the named one; or
 * of those that the Supplement amends, if it amends any. Affordances outside groups are templates
 * for sdfRef (RFC 9880 section 3.4), and not listed. The places of amended nodes are those in the
 * Supplement. NULL with the reasons; a name that nobody knows is reported at `at`, with the
 * nearest. Free with lintel_model_unref. Each resolved model is cached until the next _add. */
struct lintel_model *lintel_models_resolve(struct lintel_models *m, const char *name,
                                           struct lintel_place at, struct lintel_report *report);
struct lintel_model *lintel_model_ref(struct lintel_model *m);
void lintel_model_unref(struct lintel_model *m);

/* Ids for completion and for "did you mean": models and Supplements, NULL-terminated, the models'
 * own. */
const char *const *lintel_models_ids(struct lintel_models *m);
/* The Supplement of an id as it was written; NULL: none. Lives as long as the models. */
const struct lintel_doc *lintel_models_supplement(const struct lintel_models *m, const char *id,
                                                  size_t n);
/* Members of a Supplement or model beside the standard ones, by path in the merged tree
 * ("lintel:device" of an object, "lintel:tests" of the document). NULL: none. */
const struct lintel_node *lintel_model_extra(const struct lintel_model *m, const char *pointer);
/* The document that a node of root was read from, for places. */
const struct lintel_doc *lintel_model_doc(const struct lintel_model *m,
                                          const struct lintel_node *n);
/* The affordance by path or by name ("activePower"; the first of that name); NULL: none. */
const struct lintel_affordance *lintel_model_find(const struct lintel_model *m, const char *name);
#endif
