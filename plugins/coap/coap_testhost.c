/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/coap/coap_testhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static struct testhost *
of(const lintel_host *h)
{
    return (struct testhost *)(uintptr_t)h;
}

static void
host_log(const lintel_host *h, int32_t level, const char *line)
{
    struct testhost *t = of(h);
    int n = snprintf(t->log + t->nlog, sizeof t->log - t->nlog, "%d %s\n", (int)level, line);
    if (n > 0 && (size_t)n < sizeof t->log - t->nlog)
        t->nlog += (size_t)n;
}

static lintel_mono
host_now(const lintel_host *h)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    if (of(h)->still != 0)
        return of(h)->still + of(h)->ahead;
    return (lintel_mono)ts.tv_sec * 1000000000 + ts.tv_nsec + of(h)->ahead;
}

static lintel_status
loop_watch(const lintel_host *h, int32_t fd, uint32_t events, void (*fn)(void *, int32_t, uint32_t),
           void *arg)
{
    struct testhost *t = of(h);
    unsigned i = 0, empty = TESTHOST_WATCHES;
    for (; i < TESTHOST_WATCHES && (t->watches[i].fn == NULL || t->watches[i].fd != fd); i++)
        if (t->watches[i].fn == NULL)
            empty = i;
    bool known = i < TESTHOST_WATCHES;
    if (!known)
        i = empty;
    if (i == TESTHOST_WATCHES || (!known && events == 0))
        return LINTEL_E_FAIL;
    struct epoll_event e = {.events = ((events & LINTEL_LOOP_READ) ? EPOLLIN : 0u) |
                                      ((events & LINTEL_LOOP_WRITE) ? EPOLLOUT : 0u),
                            .data.u32 = i};
    int op = events == 0 ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(t->epoll_fd, op, fd, &e) != 0)
        return LINTEL_E_FAIL;
    t->watches[i].fd = fd;
    t->watches[i].fn = events == 0 ? NULL : fn;
    t->watches[i].arg = arg;
    return LINTEL_OK;
}

static lintel_status
loop_timer(const lintel_host *h, lintel_mono at, void (*fn)(void *), void *arg)
{
    struct testhost *t = of(h);
    unsigned empty = TESTHOST_TIMERS;
    for (unsigned i = 0; i < TESTHOST_TIMERS; i++) {
        if (t->timers[i].at == 0)
            empty = i;
        else if (t->timers[i].fn == fn && t->timers[i].arg == arg) {
            t->timers[i].at = at;
            return LINTEL_OK;
        }
    }
    if (at == 0)
        return LINTEL_OK;
    if (empty == TESTHOST_TIMERS)
        return LINTEL_E_FAIL;
    t->timers[empty].at = at;
    t->timers[empty].fn = fn;
    t->timers[empty].arg = arg;
    return LINTEL_OK;
}

static lintel_ticket
tree_submit(const lintel_host *h, const lintel_exchange *x)
{
    struct testhost *t = of(h);
    if (x->flags & LINTEL_X_AT_ONCE && !t->at_once)
        return 0;
    lintel_ticket ticket = ++t->last;
    void **cookie = &t->cookies[ticket % TESTHOST_TICKETS];
    *cookie = x->cookie;
    t->requests++;
    t->open++;
    t->tree(t, x, ticket);
    if (*cookie != NULL && x->flags & LINTEL_X_AT_ONCE) { /* it is asked again */
        *cookie = NULL;
        t->open--;
    }
    return *cookie != NULL ? ticket : 0;
}

static void
tree_abandon(const lintel_host *h, lintel_ticket ticket)
{
    struct testhost *t = of(h);
    t->cookies[ticket % TESTHOST_TICKETS] = NULL;
    t->abandoned++;
    t->open--;
}

static void
tree_thing_base(const lintel_host *h, const char *thing, const char *base)
{
    struct testhost *t = of(h);
    int n = snprintf(t->bases + t->nbases, sizeof t->bases - t->nbases, "%s %s\n", thing,
                     base != NULL ? base : "-");
    if (n > 0 && (size_t)n < sizeof t->bases - t->nbases)
        t->nbases += (size_t)n;
    else
        t->bases[t->nbases] = '\0';
}

/* With n = 0: how many there are. */
static uint32_t
tree_psk(const lintel_host *h, const char *identity, size_t n, uint8_t *key, uint32_t room)
{
    uint32_t count = 0;
    for (const struct testhost_psk *p = of(h)->psks; p != NULL && p->identity != NULL; p++) {
        size_t nkey = strlen(p->key);
        count++;
        if (n > 0 && strlen(p->identity) == n && memcmp(p->identity, identity, n) == 0 &&
            nkey <= room) {
            memcpy(key, p->key, nkey);
            return (uint32_t)nkey;
        }
    }
    return n == 0 ? count : 0;
}

static void
tree_reply(const lintel_host *h, lintel_ticket ticket, const lintel_answer *a)
{
    struct testhost *t = of(h);
    if (t->reply != NULL)
        t->reply(t, ticket, a);
}

/* No secret is needed: labels that differ give bytes that differ. */
static void
tree_derive(const lintel_host *h, const void *label, size_t n, uint8_t ret[32])
{
    const uint8_t *p = label;
    (void)h;
    for (size_t i = 0; i < 4; i++) {
        uint64_t v = UINT64_C(0xcbf29ce484222325) + i;
        for (size_t k = 0; k < n; k++)
            v = (v ^ p[k]) * UINT64_C(0x100000001b3);
        v ^= v >> 29;
        memcpy(ret + 8 * i, &v, 8);
    }
}

static const void *
host_extension(const lintel_host *h, const char *id)
{
    static const lintel_host_loop loop = {
        .size = sizeof loop, .watch = loop_watch, .timer = loop_timer};
    static const lintel_host_transport tree = {.size = sizeof tree,
                                               .submit = tree_submit,
                                               .abandon = tree_abandon,
                                               .reply = tree_reply,
                                               .thing_base = tree_thing_base,
                                               .derive = tree_derive,
                                               .psk = tree_psk};
    (void)h;
    if (strcmp(id, LINTEL_EXT_LOOP) == 0)
        return &loop;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &tree : NULL;
}

enum { MOST_SETTINGS = 40, MOST_WORDS = 32 };

struct settings { /* of a plugin's table */
    lintel_value values[MOST_SETTINGS];
    lintel_value words[MOST_SETTINGS][MOST_WORDS];
    char defaults[MOST_SETTINGS][128]; /* cut into words */
};

static void
add_word(struct settings *all, unsigned row, const char *word)
{
    lintel_value *v = &all->values[row];
    all->words[row][v->len++] =
        (lintel_value){.type = LINTEL_T_STR, .len = (uint32_t)strlen(word), .as.s = word};
}

/* What the table says where the site says nothing. */
static void
set_default(struct settings *all, unsigned row, const lintel_field *field)
{
    lintel_value *v = &all->values[row];
    const char *dflt = field->dflt;
    *v = (lintel_value){.type = LINTEL_T_NULL};
    if (dflt == NULL)
        return;
    *v = (lintel_value){.type = field->choices != NULL ? (uint32_t)LINTEL_T_INT : field->type};
    if (field->type == LINTEL_T_LIST) {
        char *word = all->defaults[row];
        snprintf(word, sizeof all->defaults[row], "%s", dflt);
        while (*word != '\0') {
            char *end = word + strcspn(word, ",");
            char *next = end + (*end != '\0');
            *end = '\0';
            add_word(all, row, word);
            word = next;
        }
        v->as.list = all->words[row];
    } else if (field->choices == NULL && field->type == LINTEL_T_STR) {
        v->as.s = dflt;
        v->len = (uint32_t)strlen(dflt);
    } else if (field->type == LINTEL_T_REAL)
        v->as.r = strtod(dflt, NULL);
    else if (field->choices == NULL) /* of choices, the first is the default; no is 0 */
        v->as.i = strtoll(dflt, NULL, 10);
}

static unsigned
row_of(const lintel_plugin *plugin, const char *name)
{
    unsigned row = 0;
    while (plugin->bus[row].name != NULL && strcmp(plugin->bus[row].name, name) != 0)
        row++;
    if (plugin->bus[row].name == NULL)
        abort();
    return row;
}

static void
set_list(struct settings *all, unsigned row, const char *const *words)
{
    all->values[row] = (lintel_value){.type = LINTEL_T_LIST, .as.list = all->words[row]};
    for (; *words != NULL; words++)
        add_word(all, row, *words);
}

static void
read_settings(const lintel_plugin *plugin, const struct testhost_settings *s, struct settings *all)
{
    const struct {
        const char *name;
        int64_t i;
    } numbers[] = {{"maxSessions", s->max_sessions},
                   {"maxBody", s->max_body},
                   {"maxObservers", s->max_observers},
                   {"maxHandshakes", s->max_handshakes},
                   {"unprotected", s->unprotected}};
    const struct {
        const char *name, *text;
    } texts[] = {{"prefix", s->prefix},           {"interface", s->interface},
                 {"certificate", s->certificate}, {"key", s->key},
                 {"clientCa", s->client_ca},      {"pskHint", s->hint}};
    for (unsigned row = 0; plugin->bus[row].name != NULL; row++)
        set_default(all, row, &plugin->bus[row]);
    set_list(all, row_of(plugin, "listen"), s->listen);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].i != 0)
            all->values[row_of(plugin, numbers[i].name)].as.i = numbers[i].i;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].text != NULL)
            all->values[row_of(plugin, texts[i].name)] =
                (lintel_value){.type = LINTEL_T_STR,
                               .len = (uint32_t)strlen(texts[i].text),
                               .as.s = texts[i].text};
    if (s->ciphers != NULL)
        set_list(all, row_of(plugin, "ciphers"), s->ciphers);
    for (size_t i = 0; i < sizeof s->more / sizeof s->more[0] && s->more[i].name != NULL; i++) {
        unsigned row = row_of(plugin, s->more[i].name);
        if (s->more[i].list != NULL)
            set_list(all, row, s->more[i].list);
        else
            all->values[row].as.i = s->more[i].i;
    }
}

struct testhost *
testhost_new(const lintel_plugin *plugin, const struct testhost_settings *s, testhost_tree *tree,
             char *ret_log, size_t nlog)
{
    struct testhost *t = calloc(1, sizeof *t);
    struct settings *all = calloc(1, sizeof *all);
    if (t == NULL || all == NULL)
        abort();
    t->settings = all;
    t->host = (lintel_host){.size = sizeof t->host,
                            .abi_minor = LINTEL_ABI_MINOR,
                            .log = host_log,
                            .now = host_now,
                            .extension = host_extension};
    t->plugin = plugin;
    t->tree = tree;
    t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    read_settings(plugin, s, all);
    lintel_status st = plugin->create(&t->host, all->values, &t->self);
    if (ret_log != NULL)
        snprintf(ret_log, nlog, "%s", t->log);
    if (st != LINTEL_OK) {
        close(t->epoll_fd);
        free(all);
        free(t);
        return NULL;
    }
    t->transport = plugin->extension(t->self, LINTEL_EXT_TRANSPORT);
    return t;
}

lintel_status
testhost_start(struct testhost *t)
{
    return t->plugin->start(t->self);
}

void
testhost_free(struct testhost *t)
{
    t->plugin->stop(t->self);
    t->plugin->destroy(t->self);
    close(t->epoll_fd);
    free(t->settings);
    free(t);
}

void
testhost_turn(struct testhost *t, int ms)
{
    struct epoll_event events[TESTHOST_WATCHES];
    bool timers = false;
    for (unsigned i = 0; i < TESTHOST_TIMERS; i++) {
        if (t->timers[i].at == 0)
            continue;
        lintel_mono left = (t->timers[i].at - host_now(&t->host) + 999999) / 1000000;
        left = left < 0 ? 0 : left;
        if (ms < 0 || left < ms)
            ms = (int)left;
        timers = true;
    }
    int n = epoll_wait(t->epoll_fd, events, TESTHOST_WATCHES, ms);
    for (int i = 0; i < n; i++) {
        unsigned w = events[i].data.u32;
        if (t->watches[w].fn != NULL)
            t->watches[w].fn(t->watches[w].arg, t->watches[w].fd,
                             ((events[i].events & EPOLLIN) ? LINTEL_LOOP_READ : 0u) |
                                 ((events[i].events & EPOLLOUT) ? LINTEL_LOOP_WRITE : 0u));
    }
    if (!timers)
        return;
    lintel_mono now = host_now(&t->host);
    for (unsigned i = 0; i < TESTHOST_TIMERS; i++)
        if (t->timers[i].at != 0 && t->timers[i].at <= now) {
            t->timers[i].at = 0;
            t->timers[i].fn(t->timers[i].arg);
        }
}

unsigned
testhost_port(const struct testhost *t, unsigned i)
{
    const char *p = t->log;
    for (; (p = strstr(p, "listening on coap")) != NULL; p++)
        if (i-- == 0) {
            char uri[80] = "";
            sscanf(p, "listening on %*[a-z+]://%79[^, \n]", uri);
            const char *colon = strrchr(uri, ':');
            return colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
        }
    return 0;
}

void
testhost_answer(struct testhost *t, lintel_ticket ticket, const lintel_answer *a)
{
    void **cookie = &t->cookies[ticket % TESTHOST_TICKETS], *to = *cookie;
    if (to == NULL)
        return;
    if (!(a->flags & LINTEL_ANSWER_MORE)) {
        *cookie = NULL;
        t->open--;
    }
    t->transport->answer(t->self, to, a);
}

void
testhost_text(struct testhost *t, lintel_ticket ticket, uint32_t code, uint32_t flags,
              const char *text)
{
    lintel_answer a = {.size = sizeof a,
                       .code = code,
                       .flags = flags,
                       .format = 0,
                       .max_age = 60,
                       .payload = {text, strlen(text)}};
    testhost_answer(t, ticket, &a);
}
