/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/mem.h"
#include "lintel/ext/loop.h"
#include "tests/kit/kit.h"

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

static char order[64];
static char a_[] = "a", b_[] = "b", c_[] = "c", d_[] = "d", one[] = "1", two[] = "2";

static void
note(void *arg)
{
    strncat(order, arg, sizeof order - strlen(order) - 1);
}

static void
timers_run_in_order_of_time(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_timer a = {0}, b = {0}, c = {0}, d = {0};
    lintel_mono now = lintel_loop_now(l);
    order[0] = '\0';
    CHECK_INT(now, 1000 * SECOND);
    lintel_timer_at(l, &a, now + 3 * SECOND, note, a_);
    lintel_timer_at(l, &b, now + 1 * SECOND, note, b_);
    lintel_timer_at(l, &c, now + 2 * SECOND, note, c_);
    lintel_timer_at(l, &d, now + 1 * SECOND, note, d_);
    lintel_timer_at(l, &b, now + 4 * SECOND, note, b_);
    lintel_timer_stop(l, &d);
    lintel_timer_stop(l, &d);
    lintel_loop_advance(l, 2 * SECOND);
    CHECK_STR(order, "c");
    CHECK_INT(lintel_loop_now(l), now + 2 * SECOND);
    lintel_loop_advance(l, 2 * SECOND - 1);
    CHECK_STR(order, "ca");
    lintel_loop_advance(l, 1);
    CHECK_STR(order, "cab");
    CHECK_INT(b.slot, 0);
    CHECK_INT(lintel_loop_wall(l), (INT64_C(1767225600) + 4) * SECOND);
    lintel_loop_fake_wall(l, 5);
    lintel_loop_advance(l, 7);
    CHECK_INT(lintel_loop_wall(l), 12);
    lintel_loop_free(l);
}

struct many {
    struct lintel_loop *loop;
    struct lintel_timer timer;
    lintel_mono last, *latest;
    int *ran;
};

static void
on_many(void *arg)
{
    struct many *m = arg;
    lintel_mono now = lintel_loop_now(m->loop);
    CHECK_INT(now, m->last);
    CHECK(now >= *m->latest);
    *m->latest = now;
    ++*m->ran;
}

static void
a_thousand_timers_moved_and_stopped(void)
{
    enum { N = 1000 };
    static struct many many[N];
    struct lintel_loop *l = lintel_loop_new_fake();
    lintel_mono start = lintel_loop_now(l), latest = 0;
    int ran = 0, stopped = 0;
    for (int i = 0; i < 3 * N; i++) {
        struct many *m = &many[i % N];
        m->loop = l;
        m->latest = &latest;
        m->ran = &ran;
        m->last = start + (int64_t)(kit_random() % 1000) * MS;
        CHECK_INT(lintel_timer_at(l, &m->timer, m->last, on_many, m), 0);
    }
    for (int i = 0; i < N; i += 7, stopped++)
        lintel_timer_stop(l, &many[i].timer);
    lintel_loop_advance(l, SECOND);
    CHECK_INT(ran, N - stopped);
    lintel_loop_free(l);
}

struct again {
    struct lintel_loop *loop;
    struct lintel_timer timer;
    int ran;
};

static void
on_again(void *arg)
{
    struct again *a = arg;
    if (++a->ran == 3)
        lintel_loop_stop(a->loop);
    else
        lintel_timer_at(a->loop, &a->timer, 0, on_again, a);
}

/* On the real loop: a timer for the past runs, and one is never early. */
static void
real_timers(void)
{
    struct lintel_loop *l = lintel_loop_new();
    struct again a = {.loop = l};
    lintel_timer_at(l, &a.timer, 0, on_again, &a);
    lintel_loop_run(l);
    CHECK_INT(a.ran, 3);

    lintel_mono at = lintel_loop_now(l) + 3 * MS;
    a.ran = 2;
    lintel_timer_at(l, &a.timer, at + 1000 * SECOND, on_again, &a);
    lintel_timer_at(l, &a.timer, at, on_again, &a); /* an earlier one moves the alarm */
    lintel_loop_run(l);
    CHECK(lintel_loop_now(l) >= at);
    CHECK(lintel_loop_wall(l) > INT64_C(1700000000) * SECOND);
    lintel_loop_free(l);
}

struct pump {
    struct lintel_loop *loop;
    unsigned next;
    int in_order;
};
struct posted {
    struct pump *pump;
    unsigned number;
};
enum { POSTS = 10000 };
static struct posted posted[POSTS];

static void
on_post(void *arg)
{
    struct posted *p = arg;
    if (p->number != p->pump->next++)
        p->pump->in_order = 0;
}

static void
stop_now(void *arg)
{
    lintel_loop_stop(arg);
}

/* The end is posted too: a loop that is stopped from outside leaves what waits. */
static void *
poster(void *arg)
{
    struct pump *p = arg;
    for (unsigned i = 0; i < POSTS; i++) {
        posted[i] = (struct posted){p, i};
        lintel_loop_post(p->loop, on_post, &posted[i]);
    }
    lintel_loop_post(p->loop, stop_now, p->loop);
    return NULL;
}

static void *
stopper(void *arg)
{
    lintel_loop_stop(arg);
    return NULL;
}

static void
posts_come_in_order_from_another_thread(void)
{
    struct pump p = {.loop = lintel_loop_new(), .in_order = 1};
    pthread_t thread;
    REQUIRE(pthread_create(&thread, NULL, poster, &p) == 0);
    lintel_loop_run(p.loop);
    pthread_join(thread, NULL);
    CHECK_INT(p.next, POSTS);
    CHECK(p.in_order);
    REQUIRE(pthread_create(&thread, NULL, stopper, p.loop) == 0);
    lintel_loop_run(p.loop);
    pthread_join(thread, NULL);
    lintel_loop_free(p.loop);
}

static void
post_more(void *arg)
{
    lintel_loop_post(arg, note, two);
    note(one);
}

static void
a_post_may_post(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    order[0] = '\0';
    lintel_loop_post(l, post_more, l);
    CHECK_STR(order, "");
    lintel_loop_advance(l, 0);
    CHECK_STR(order, "12");
    lintel_loop_free(l);
}

enum { CHAIN = 100 };
struct chain {
    struct lintel_loop *loop;
    int posts, before; /* all, and until the descriptor was served */
};

static void
post_again(void *arg)
{
    struct chain *c = arg;
    if (++c->posts < CHAIN)
        lintel_loop_post(c->loop, post_again, c);
}

static void
on_end_of_pipe(void *arg, int fd, uint32_t ready)
{
    struct chain *c = arg;
    (void)ready;
    c->before = c->posts;
    lintel_loop_watch(c->loop, fd, 0, NULL, NULL);
}

static int
is_through(void *ctx)
{
    const struct chain *c = ctx;
    return c->posts == CHAIN && c->before >= 0;
}

/* Posts that post the next one do not hold up the descriptors. */
static void
posts_leave_room_for_others(void)
{
    int fds[2];
    struct chain c = {.loop = lintel_loop_new(), .before = -1};
    REQUIRE(c.loop != NULL && pipe(fds) == 0);
    close(fds[1]);
    lintel_loop_watch(c.loop, fds[0], LINTEL_LOOP_READ, on_end_of_pipe, &c);
    lintel_loop_post(c.loop, post_again, &c);
    CHECK(lintel_loop_until(c.loop, is_through, &c, INT64_C(10000000000)));
    CHECK(c.before < CHAIN / 2);
    close(fds[0]);
    lintel_loop_free(c.loop);
}

struct ear {
    struct lintel_loop *loop;
    int calls, bytes_a_call;
    uint32_t ready;
};

static void
on_ear(void *arg, int fd, uint32_t ready)
{
    struct ear *e = arg;
    char c[8];
    e->calls++;
    e->ready = ready;
    if ((ready & LINTEL_LOOP_READ) && read(fd, c, (size_t)e->bytes_a_call) <= 0)
        lintel_loop_watch(e->loop, fd, 0, NULL, NULL);
}

static void
watches_are_level_triggered(void)
{
    int fds[2];
    struct ear e = {.loop = lintel_loop_new_fake(), .bytes_a_call = 1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], LINTEL_LOOP_READ, on_ear, &e), 0);
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.calls, 0);
    CHECK_INT(write(fds[1], "abc", 3), 3);
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.calls, 3);
    CHECK_INT(e.ready, LINTEL_LOOP_READ);
    /* To another set of events, and back. */
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], LINTEL_LOOP_WRITE, on_ear, &e), 0);
    lintel_loop_advance(e.loop, 0);
    CHECK(e.calls > 3);
    CHECK_INT(e.ready, LINTEL_LOOP_WRITE);
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], LINTEL_LOOP_READ, on_ear, &e), 0);
    close(fds[1]);
    e.calls = 0;
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.calls, 1); /* the end; on_ear stops watching */
    close(fds[0]);
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], 0, NULL, NULL), 0);
    CHECK_INT(lintel_loop_watch(e.loop, -1, LINTEL_LOOP_READ, on_ear, &e), -1);
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK_INT(lintel_loop_watch(e.loop, file, LINTEL_LOOP_READ, on_ear, &e), -1); /* epoll can't */
    close(file);
    /* The number may come back for another descriptor at once. */
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    e.calls = 0;
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], LINTEL_LOOP_READ, on_ear, &e), 0);
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], 0, NULL, NULL), 0);
    CHECK_INT(lintel_loop_watch(e.loop, fds[0], LINTEL_LOOP_READ, on_ear, &e), 0);
    CHECK_INT(write(fds[1], "a", 1), 1);
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.calls, 1);
    lintel_loop_watch(e.loop, fds[0], 0, NULL, NULL);
    close(fds[0]);
    close(fds[1]);
    lintel_loop_free(e.loop);
}

/* ---- what is expected ------------------------------------------------------------------------ */

struct turns {
    int n, most;
};

static int
enough_turns(void *ctx)
{
    struct turns *t = ctx;
    return t->n++ >= t->most;
}

/* Nothing happens in these turns, and in one after them: a loop that waits does not come to the end
 * of them. */
static int
turns_pass(struct lintel_loop *l, int n)
{
    struct turns t = {0, n};
    return lintel_loop_until(l, enough_turns, &t, 20 * SECOND);
}

/* The n-th time of those from now on that it is looked for what is expected. */
static int
looks_again_after(struct lintel_loop *l)
{
    int n = 1;
    while (!lintel_loop_expect(l) && n < 10000)
        n++;
    return n;
}

static void
what_is_expected_is_looked_for(void)
{
    struct lintel_loop *l = lintel_loop_new();
    CHECK(lintel_loop_expect(l));
    CHECK(turns_pass(l, LINTEL_LOOP_LOOKS / 2));
    CHECK(lintel_loop_expect(l)); /* it has come in time */
    CHECK(turns_pass(l, LINTEL_LOOP_LOOKS - 1));
    /* Nothing comes: it is looked for ever more rarely, but not never. */
    int most = 0;
    for (int pause = 1; most < 2; pause = pause < 1023 ? 2 * pause + 1 : 1023) {
        CHECK_INT(looks_again_after(l), pause + 1);
        CHECK(turns_pass(l, LINTEL_LOOP_LOOKS - 1));
        most += pause == 1023;
    }
    looks_again_after(l);
    CHECK(turns_pass(l, 1));
    CHECK_INT(looks_again_after(l), 1); /* once is enough to be trusted again */
    lintel_loop_free(l);                /* while it looks */
}

static void
on_usr1(void *arg, int signum)
{
    CHECK_INT(signum, SIGUSR1);
    note(arg);
}

static void
signals_come_to_the_loop(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    order[0] = '\0';
    CHECK_INT(lintel_loop_signal(l, SIGUSR1, on_usr1, a_), 0);
    CHECK_INT(lintel_loop_signal(l, SIGKILL, on_usr1, b_), -1);
    raise(SIGUSR1);
    CHECK_STR(order, "");
    lintel_loop_advance(l, 0);
    CHECK_STR(order, "a");
    lintel_loop_free(l);
}

static void
running_out_of_memory_is_survived(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct lintel_timer t = {0};
    struct ear e = {.loop = l};
    int fds[2];
    REQUIRE(pipe(fds) == 0);
    lintel_mem_fail_at(1);
    CHECK(lintel_loop_new() == NULL);
    CHECK_INT(lintel_timer_at(l, &t, 1, note, c_), -1);
    CHECK_INT(t.slot, 0);
    for (int i = 0; i < LINTEL_LOOP_POSTS_SURE; i++)
        CHECK_INT(lintel_loop_post(l, note, d_), 0);
    CHECK_INT(lintel_loop_post(l, note, b_), -1);
    CHECK_INT(lintel_loop_watch(l, fds[0], LINTEL_LOOP_READ, on_ear, &e), -1);
    CHECK_INT(lintel_loop_signal(l, SIGUSR1, on_usr1, a_), -1);
    lintel_mem_fail_at(0);
    order[0] = '\0';
    lintel_loop_advance(l, SECOND);
    CHECK_STR(order, "dddddddddddddddd");
    close(fds[0]);
    close(fds[1]);
    lintel_loop_free(l);
}

/* libuv has our memory, and aborts where it can't have some of it. */
static void
each_allocation_of_a_new_loop_may_fail(void)
{
    struct lintel_loop *l = NULL;
    for (uint64_t n = 1; l == NULL && n < 100; n++) {
        lintel_mem_fail_at(n);
        l = lintel_loop_new();
        CHECK(l != NULL || lintel_mem_failures() != 0);
    }
    lintel_mem_fail_at(0);
    REQUIRE(l != NULL);
    lintel_loop_free(l);
}

static void
a_new_descriptor_without_memory_is_refused(void)
{
    struct lintel_loop *l = lintel_loop_new_fake();
    struct ear e = {.loop = l, .bytes_a_call = 1};
    int fds[2], far, got = -1;
    REQUIRE(pipe(fds) == 0);
    REQUIRE((far = fcntl(fds[0], F_DUPFD_CLOEXEC, 900)) >= 0);
    for (uint64_t n = 1; got != 0 && n < 100; n++) {
        lintel_mem_fail_at(n);
        got = lintel_loop_watch(l, far, LINTEL_LOOP_READ, on_ear, &e);
        CHECK(got == 0 || lintel_mem_failures() != 0);
    }
    lintel_mem_fail_at(0);
    REQUIRE(got == 0);
    CHECK_INT(write(fds[1], "x", 1), 1);
    lintel_loop_advance(l, 0);
    CHECK_INT(e.calls, 1);
    lintel_loop_watch(l, far, 0, NULL, NULL);
    close(far);
    close(fds[0]);
    close(fds[1]);
    lintel_loop_free(l);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(timers_run_in_order_of_time),
                                            KIT(a_thousand_timers_moved_and_stopped),
                                            KIT(real_timers),
                                            KIT(posts_come_in_order_from_another_thread),
                                            KIT(a_post_may_post),
                                            KIT(posts_leave_room_for_others),
                                            KIT(watches_are_level_triggered),
                                            KIT(what_is_expected_is_looked_for),
                                            KIT(signals_come_to_the_loop),
                                            KIT(running_out_of_memory_is_survived),
                                            KIT(each_allocation_of_a_new_loop_may_fail),
                                            KIT(a_new_descriptor_without_memory_is_refused),
                                            {0}};
    return kit_main("loop", tests, argc, argv);
}
