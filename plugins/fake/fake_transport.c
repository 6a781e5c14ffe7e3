/* SPDX-License-Identifier: Apache-2.0
 *
 * A transport without a wire, for tests of how transports are carried: it mounts "fake", and the
 * second segment of a request says what it does; the payload is what it does it with. Not
 * installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lintel/ext/resources.h"
#ifdef FAKE_AMBUSH
#include "ambush.h"
#endif

enum { S_REFUSE, S_DIE, S_UNPROTECTED };
enum { OPEN_MOST = 64 };

static const lintel_field settings_table[] = {
    [S_REFUSE] = {.name = "refuse",
                  .help = "start() says no, with this text.",
                  .type = LINTEL_T_STR},
    [S_DIE] = {.name = "die", .help = "start() ends the process.", .type = LINTEL_T_BOOL},
    [S_UNPROTECTED] = {.name = "unprotected",
                       .help = "Requests may be said to be open to everybody.",
                       .type = LINTEL_T_BOOL},
    {.name = NULL},
};

struct submitted {
    struct fake *fake;
    lintel_ticket asker;  /* who has the answers; 0: free */
    lintel_ticket ticket; /* of submit() */
    int inside;
};

struct fake {
    const lintel_host *host;
    const lintel_host_transport *tree;
    const lintel_host_resources *resources;
    char refuse[64];
    int die, things;
    struct submitted open[OPEN_MOST];
    lintel_ticket kept; /* a request that is not answered */
};

static lintel_status
fake_create(const lintel_host *h, const lintel_value *v, void **self)
{
    struct fake *f = calloc(1, sizeof *f);
    if (f == NULL)
        return LINTEL_E_NOMEM;
    f->host = h;
    if (v[S_REFUSE].type == LINTEL_T_STR)
        snprintf(f->refuse, sizeof f->refuse, "%s", v[S_REFUSE].as.s);
    f->die = v[S_DIE].as.i != 0;
    *self = f;
    return LINTEL_OK;
}

static lintel_status
fake_start(void *self)
{
    struct fake *f = self;
    if (f->refuse[0] != '\0') {
        f->host->log(f->host, LINTEL_LOG_ERROR, f->refuse);
        return LINTEL_E_CONFIG;
    }
    if (f->die)
        _exit(7);
    f->tree = f->host->extension(f->host, LINTEL_EXT_TRANSPORT);
    f->resources = f->host->extension(f->host, LINTEL_EXT_RESOURCES);
    return f->resources->mount(f->host, "fake", "</fake>;rt=fake");
}

static void
fake_answer(struct fake *f, lintel_ticket t, uint32_t code, uint32_t flags, const char *p, size_t n)
{
    const lintel_answer a = {.size = sizeof a,
                             .code = code,
                             .flags = flags,
                             .format = LINTEL_FORMAT_NONE,
                             .payload = {p, n}};
    f->resources->answer(f->host, t, &a);
}

static void
fake_text(struct fake *f, lintel_ticket t, const char *text)
{
    fake_answer(f, t, LINTEL_CODE(2, 5), 0, text, strlen(text));
}

/* Says the code, and whether submit() was still running. */
static void
on_answer(void *self, void *cookie, const lintel_answer *a)
{
    struct submitted *s = cookie;
    struct fake *f = self;
    char text[256];
    int more = (a->flags & LINTEL_ANSWER_MORE) != 0;
    snprintf(text, sizeof text, "%s %u %.*s", s->inside ? "inside" : "later", (unsigned)a->code,
             (int)(a->payload.n < 100 ? a->payload.n : 100), a->payload.p ? a->payload.p : "");
    fake_answer(f, s->asker, LINTEL_CODE(2, 5), more ? LINTEL_ANSWER_MORE : 0, text, strlen(text));
    if (!more)
        s->asker = 0;
}

/* Payload: "flags identity authority session". The path behind it is asked. */
static void
submit(struct fake *f, lintel_ticket t, const lintel_exchange *x)
{
    char words[256] = "", identity[64] = "", authority[64] = "";
    unsigned flags = 0, session = 0;
    struct submitted *s = f->open;
    while (s < f->open + OPEN_MOST && s->asker != 0)
        s++;
    if (s == f->open + OPEN_MOST) {
        fake_text(f, t, "full");
        return;
    }
    if (x->payload.n > 0 && x->payload.n < sizeof words)
        memcpy(words, x->payload.p, x->payload.n);
    (void)sscanf(words, "%u %63s %63s %u", &flags, identity, authority, &session);
    *s = (struct submitted){f, t, 0, 1};
    const lintel_exchange out = {.size = sizeof out,
                                 .method = LINTEL_GET,
                                 .flags = flags,
                                 .format = LINTEL_FORMAT_NONE,
                                 .path = x->path + 2,
                                 .npath = x->npath - 2,
                                 .identity = strcmp(identity, "-") == 0 ? "" : identity,
                                 .authority = strcmp(authority, "-") == 0 ? "" : authority,
                                 .peer = "nobody",
                                 .base = "fake://",
                                 .session = session,
                                 .cookie = s};
    s->ticket = f->tree->submit(f->host, &out);
    s->inside = 0;
    if (s->ticket == 0 && s->asker != 0) {
        s->asker = 0;
        fake_text(f, t, "declined");
    }
}

static void
hex(char *out, const uint8_t *p, uint32_t n)
{
    *out = '\0';
    for (uint32_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static void
ask(struct fake *f, lintel_ticket t, const char *what, const lintel_exchange *x)
{
    uint8_t bytes[64];
    char text[160] = "";
    if (strcmp(what, "derive") == 0) {
        f->tree->derive(f->host, x->payload.p, x->payload.n, bytes);
        hex(text, bytes, 32);
    } else if (strcmp(what, "keys") == 0) { /* many that nobody has */
        unsigned given = 0;
        for (unsigned i = 0; i < 3000; i++) {
            snprintf(text, sizeof text, "nobody-%u", i);
            given += f->tree->psk(f->host, text, strlen(text), bytes, sizeof bytes) != 0;
        }
        snprintf(text, sizeof text, "%u", given);
    } else {
        uint32_t n = f->tree->psk(f->host, x->payload.p, x->payload.n, bytes, sizeof bytes);
        hex(text, bytes, x->payload.n != 0 ? n : 0);
        snprintf(text + strlen(text), 20, " %u", (unsigned)n);
    }
    fake_text(f, t, text);
}

static void
request(void *self, lintel_ticket t, const lintel_exchange *x)
{
    struct fake *f = self;
    char what[16] = "", text[64];
    if (x->npath > 1 && x->path[1].n < sizeof what)
        memcpy(what, x->path[1].p, x->path[1].n);
    if (strcmp(what, "echo") == 0) {
        fake_answer(f, t, LINTEL_CODE(2, 5), 0, x->payload.p, x->payload.n);
    } else if (strcmp(what, "submit") == 0) {
        submit(f, t, x);
    } else if (strcmp(what, "abandon") == 0) {
        for (struct submitted *s = f->open; s < f->open + OPEN_MOST; s++)
            if (s->asker != 0) {
                f->tree->abandon(f->host, s->ticket);
                fake_text(f, s->asker, "abandoned");
                s->asker = 0;
            }
        fake_text(f, t, "done");
    } else if (strcmp(what, "psk") == 0 || strcmp(what, "derive") == 0 ||
               strcmp(what, "keys") == 0) {
        ask(f, t, what, x);
    } else if (strcmp(what, "base") == 0) {
        f->tree->thing_base(f->host, "lamp", x->payload.n != 0 ? "fake://lamp" : NULL);
        fake_text(f, t, "done");
    } else if (strcmp(what, "mount") == 0) {
        snprintf(text, sizeof text, "%d", (int)f->resources->mount(f->host, "taken", ""));
        fake_text(f, t, text);
    } else if (strcmp(what, "things") == 0) {
        snprintf(text, sizeof text, "%d", f->things);
        fake_text(f, t, text);
    } else if (strcmp(what, "keep") == 0) {
        f->kept = t;
    } else if (strcmp(what, "crash") == 0) {
        abort();
    } else if (strcmp(what, "hang") == 0) {
        for (;;)
            pause();
    } else {
        fake_answer(f, t, LINTEL_CODE(4, 4), 0, NULL, 0);
    }
}

static void
abandoned(void *self, lintel_ticket t)
{
    struct fake *f = self;
    if (f->kept == t)
        f->host->log(f->host, LINTEL_LOG_INFO, "what was kept was abandoned");
}

static void
thing_added(void *self, const lintel_thing_info *t)
{
    ((struct fake *)self)->things += strcmp(t->zone, "hall") == 0;
}

static void
thing_removed(void *self, const char *name)
{
    ((struct fake *)self)->things -= strcmp(name, "lamp") == 0;
}

static lintel_status
send_to(void *self, const char *uri, const lintel_exchange *x, lintel_ticket t)
{
    struct fake *f = self;
    const lintel_answer a = {.size = sizeof a,
                             .code = LINTEL_CODE(2, 5),
                             .format = 40,
                             .payload = {uri, strlen(uri)},
                             .max_age = (uint32_t)x->session};
    if (strcmp(uri, "fake://refused") == 0)
        return LINTEL_E_NOTSUP;
    if (strcmp(uri, "fake://silent") != 0)
        f->tree->reply(f->host, t, &a);
    return LINTEL_OK;
}

static const void *
fake_extension(void *self, const char *id)
{
    static const lintel_transport transport = {.size = sizeof transport,
                                               .answer = on_answer,
                                               .thing_added = thing_added,
                                               .thing_removed = thing_removed,
                                               .send = send_to};
    static const lintel_plugin_resources resources = {
        .size = sizeof resources, .request = request, .abandoned = abandoned};
    (void)self;
    if (strcmp(id, LINTEL_EXT_TRANSPORT) == 0)
        return &transport;
    return strcmp(id, LINTEL_EXT_RESOURCES) == 0 ? &resources : NULL;
}

static const lintel_plugin fake_transport = {
    .size = sizeof fake_transport,
    .flags = LINTEL_PLUGIN_TRANSPORT,
    .unit_bytes = 1,
    .name = "fake-transport",
    .version = "1.0.0",
    .summary = "A transport for tests",
    .natural = "bytes",
    .bus = settings_table,
    .create = fake_create,
    .destroy = free,
    .start = fake_start,
    .extension = fake_extension,
};
LINTEL_PLUGIN_ENTRY(&fake_transport);
