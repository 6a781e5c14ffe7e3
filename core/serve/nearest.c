/* SPDX-License-Identifier: Apache-2.0 */
#include "core/serve/nearest.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

struct nearest {
    const char *word, *found;
    unsigned distance;
};

static struct nearest
nearest_to(const char *word)
{
    return (struct nearest){word, NULL, (unsigned)(strlen(word) + 2) / 3 + 1};
}

static void
consider(struct nearest *n, const char *candidate, const char *show)
{
    unsigned d = lintel_distance(n->word, candidate, n->distance);
    if (d < n->distance) {
        n->distance = d;
        n->found = show;
    }
}

void
lintel_call_no_thing(struct lintel_call *c, const lintel_span *id)
{
    enum { LOOK_MOST = 2000 }; /* things compared: an answer must stay cheap */
    struct lintel_engine *e = c->tree->source.engine;
    char word[72];
    snprintf(word, sizeof word, "%.*s", (int)(id->n > 64 ? 64 : id->n), id->p == NULL ? "" : id->p);
    word[lintel_utf8_valid(word, strlen(word))] = '\0';
    struct nearest n = nearest_to(word);
    if (!lintel_call_may(c, NULL, LINTEL_MAY_READ))
        return;
    for (uint32_t i = 0; i < lintel_engine_nthings(e) && i < LOOK_MOST; i++) {
        const struct lintel_thing *t = lintel_live_thing_conf(lintel_engine_thing_at(e, i));
        if (lintel_call_can(c, t->zone, LINTEL_MAY_READ))
            consider(&n, t->id, t->id);
    }
    if (n.found != NULL)
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no thing \"%s\"; did you mean %s?", word, n.found);
    else
        lintel_call_fail(c, LINTEL_NOT_FOUND, "no thing \"%s\"; GET /d lists them", word);
}

void
lintel_call_no_bus(struct lintel_call *c, const char *name)
{
    struct lintel_engine *e = c->tree->source.engine;
    struct nearest n = nearest_to(name);
    for (uint32_t i = 0; i < lintel_engine_nbuses(e); i++) {
        struct lintel_bus_stats s;
        lintel_engine_bus_stats(e, lintel_engine_bus_at(e, i), &s);
        consider(&n, s.name, s.name);
    }
    if (n.found != NULL)
        lintel_call_fail(c, LINTEL_NOT_FOUND, "there is no bus \"%s\"; did you mean %s?", name,
                         n.found);
    else
        lintel_call_fail(c, LINTEL_NOT_FOUND,
                         "there is no bus \"%s\"; `lintel status` and GET /hub/buses list them",
                         name);
}

static const char *
kind_of(const char *letter, size_t n)
{
    static const char *const kinds[] = {"property", "action", "event"};
    for (size_t i = 0; n == 1 && i < LINTEL_COUNT(kinds); i++)
        if (kinds[i][0] == *letter)
            return kinds[i];
    return NULL;
}

void
lintel_call_no_affordance(struct lintel_call *c, const struct lintel_thing *t, const char *path)
{
    const char *name = strrchr(path, '/'), *kind = NULL;
    size_t stem = 0; /* bytes of the path up to the name */
    if (name != NULL && name - path >= 2 && name[-2] == '/')
        kind = kind_of(name - 1, 1);
    struct nearest whole = nearest_to(path), same = nearest_to(name == NULL ? path : name + 1);
    if (kind != NULL)
        stem = (size_t)(name + 1 - path);
    const char *elsewhere = NULL;
    for (uint32_t i = 0; i < t->profile->n; i++) {
        const struct lintel_affordance *a = t->profile->bound[i].affordance;
        consider(&whole, a->path, a->path);
        if (stem != 0 && strncmp(a->path, path, stem) == 0)
            consider(&same, a->name, a->name);
        if (elsewhere == NULL && strcmp(a->name, same.word) == 0)
            elsewhere = a->path;
    }
    const char *meant = elsewhere != NULL    ? elsewhere
                        : same.found != NULL ? same.found
                                             : whole.found;
    char what[160];
    if (kind != NULL)
        snprintf(what, sizeof what, "no %s \"%.60s\" on %s", kind, name + 1, t->id);
    else
        snprintf(what, sizeof what, "nothing at \"%.60s\" on %s", path, t->id);
    what[lintel_utf8_valid(what, strlen(what))] = '\0';
    if (meant != NULL)
        lintel_call_fail(c, LINTEL_NOT_FOUND, "%s; did you mean %s?", what, meant);
    else
        lintel_call_fail(c, LINTEL_NOT_FOUND, "%s; GET /d/%s lists what there is", what, t->id);
}
