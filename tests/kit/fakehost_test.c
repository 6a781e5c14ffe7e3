/* SPDX-License-Identifier: Apache-2.0
 * The fake hub against a plugin that answers from a thread of its own, by a timer, or at once. */
#include "tests/kit/fakehost.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lintel/ext/loop.h"
#include "tests/kit/kit.h"

enum { HOW_AT_ONCE, HOW_THREAD, HOW_TIMER };
struct toy {
    const lintel_host *host;
    const lintel_value *settings;
    lintel_value how;
    const lintel_request *open;
    pthread_t thread;
    int threaded;
};
static const lintel_field bus[] = {
    {"how", "h", "once", "once|thread|timer", NULL, NULL, 0, 0, LINTEL_T_STR, 0},
    {"names", "h", "a,b", NULL, NULL, NULL, 0, 0, LINTEL_T_LIST, 0},
    {0}};
static const lintel_field address[] = {
    {"n", "h", NULL, NULL, NULL, NULL, 0, 9, LINTEL_T_INT, LINTEL_F_REQUIRED}, {0}};

static lintel_status
create(const lintel_host *h, const lintel_value *v, void **self)
{
    struct toy *t = calloc(1, sizeof *t);
    if (t == NULL)
        return LINTEL_E_NOMEM;
    t->host = h;
    t->settings = v;
    t->how = v[0];
    *self = t;
    return LINTEL_OK;
}

static void
stop(void *self)
{
    struct toy *t = self;
    if (t->threaded)
        pthread_join(t->thread, NULL);
    t->threaded = 0;
}

static void *
answer(void *self)
{
    struct toy *t = self;
    lintel_sample s[4];
    uint32_t n = t->open->npoints;
    /* Reverse order: the hub sorts. */
    for (uint32_t i = 0; i < n; i++) {
        const lintel_point *p = t->open->points[n - 1 - i];
        s[i] = (lintel_sample){.point = p->id,
                               .value = {.type = LINTEL_T_BYTES, .len = 2, .as.p = "xy"}};
        if (p->addr[0].as.i == 9)
            s[i].status = LINTEL_E_ADDRESS, s[i].detail = "nine";
    }
    t->host->complete(t->host, t->open, LINTEL_OK, s, n);
    t->host->publish(t->host, s, 1);
    t->host->link(t->host, LINTEL_OK, "");
    return NULL;
}

static void
answer_by_timer(void *self)
{
    answer(self);
}

static void
toy_read(void *self, const lintel_request *r)
{
    struct toy *t = self;
    t->open = r;
    if (t->how.as.i == HOW_THREAD) {
        stop(t);
        t->threaded = pthread_create(&t->thread, NULL, answer, t) == 0;
    } else if (t->how.as.i == HOW_TIMER) {
        const lintel_host_loop *loop = t->host->extension(t->host, LINTEL_EXT_LOOP);
        loop->timer(t->host, t->host->now(t->host) + 1000000, answer_by_timer, t);
    } else {
        answer(t);
    }
}

static const lintel_plugin toy = {.size = sizeof toy,
                                  .name = "toy",
                                  .bus = bus,
                                  .address = address,
                                  .create = create,
                                  .destroy = free,
                                  .stop = stop,
                                  .read = toy_read};

static void
ask(const char *how)
{
    const char *const settings[] = {how, NULL}, *const one[] = {"n=1", NULL},
                      *const nine[] = {"n=9", NULL};
    struct fakehost *h = fakehost_new(&toy, settings, 1);
    REQUIRE(h != NULL);
    const struct toy *t = fakehost_self(h);
    CHECK_INT(t->settings[1].len, 2);
    CHECK_STR(t->settings[1].as.list[1].as.s, "b");
    CHECK_INT(fakehost_start(h), LINTEL_OK);
    CHECK_INT(fakehost_link(h), LINTEL_E_FAIL);
    int d = fakehost_attach(h, "thing", NULL);
    int p[2] = {fakehost_bind(h, d, LINTEL_K_PROPERTY, LINTEL_P_READ, 2, one, NULL),
                fakehost_bind(h, d, LINTEL_K_PROPERTY, LINTEL_P_READ, 2, nine, NULL)};
    struct fakehost_result *r = fakehost_request(h, FAKEHOST_READ, p, 2, NULL, 2000, 1);
    CHECK_INT(r->done, 1);
    CHECK_INT(r->n, 2);
    CHECK_INT(r->samples[0].point, p[0]);
    CHECK(r->samples[0].value.len == 2 && memcmp(r->samples[0].value.as.p, "xy", 2) == 0);
    CHECK_INT(r->samples[1].status, LINTEL_E_ADDRESS);
    CHECK_STR(r->samples[1].detail, "nine");
    fakehost_result_free(r);
    CHECK(fakehost_wait_link(h, LINTEL_OK, 2000));
    r = fakehost_published(h, 1, 2000);
    CHECK_INT(r->n, 1);
    fakehost_result_free(r);
    fakehost_free(h);
}

static void
answers_at_once(void)
{
    ask("how=once");
}

static void
answers_from_a_thread(void)
{
    ask("how=thread");
}

static void
answers_by_a_timer(void)
{
    ask("how=timer");
}

static void
moves_the_fake_clock(void)
{
    struct fakehost *h = fakehost_new(&toy, NULL, 0);
    REQUIRE(h != NULL);
    const struct toy *t = fakehost_self(h);
    lintel_mono before = t->host->now(t->host);
    CHECK_INT(t->host->now(t->host), before);
    fakehost_advance(h, 5);
    CHECK_INT(t->host->now(t->host), before + 5);
    fakehost_free(h);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(answers_at_once),
                                            KIT(answers_from_a_thread),
                                            KIT(answers_by_a_timer),
                                            KIT(moves_the_fake_clock),
                                            {0}};
    return kit_main("fakehost", tests, argc, argv);
}
