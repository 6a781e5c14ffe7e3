/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/mem.h"
#include "lintel/ext/loop.h"

#define SECOND INT64_C(1000000000)
#define FAKE_MONO (1000 * SECOND)
#define FAKE_WALL (INT64_C(1767225600) * SECOND) /* 2026-01-01T00:00:00Z */
enum {
    PAUSE_MOST = 1023, /* what is expected in vain is looked for every 1,024th time */
    QUIET_ROUNDS = 64, /* a descriptor that is always ready must not hold a test forever */
    FEW = 61 /* of libuv's own descriptors and what is opened meanwhile, with room to spare */
};

struct watch {
    uv_poll_t poll;
    void (*fn)(void *arg, int fd, uint32_t ready);
    void *arg;
    int fd;
    int events; /* of libuv */
};

struct signal_watch {
    uv_signal_t signal;
    void (*fn)(void *arg, int signum);
    void *arg;
    struct signal_watch *next;
};

struct post {
    void (*fn)(void *arg);
    void *arg;
};

struct posts {
    struct post *list;
    size_t n, room;
};

struct lintel_loop {
    uv_loop_t uv;
    uv_poll_t wake;     /* of wake_fd */
    int wake_fd;        /* an eventfd. A uv_async_t lets its receiver spin until the sender is done:
                           a third of the speed where cores are busy */
    _Atomic int wakers; /* threads that are about to write to it */
    uv_prepare_t turn;
    struct lintel_turn *turns;
    uv_idle_t looking; /* while it is active, no turn waits */
    uint32_t looks;    /* turns until that is over */
    uint32_t vain;     /* what was expected did not come: so many times it is not looked for, */
    uint32_t pause;    /* of which these are left */
    int looked;        /* it was looked for the last time */
    uv_timer_t alarm;  /* armed for the heap's first, or earlier; idle on a fake loop */
    lintel_mono alarm_at;
    int fake;
    _Atomic int stopping;
    _Atomic int64_t fake_mono, fake_wall;
    uint64_t events; /* descriptors, signals and posts served: tells a fake loop that it is quiet */

    struct lintel_timer **heap;
    uint32_t ntimers, timer_room;

    struct watch **watches; /* by descriptor */
    size_t watch_room, nwatches;
    struct signal_watch *signals;

    pthread_mutex_t lock; /* of posted and awake */
    struct posts posted, running;
    int awake; /* it looks again before it waits */
};

/* ---- time ------------------------------------------------------------------------------------ */

static int64_t
clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

lintel_mono
lintel_loop_now(const struct lintel_loop *l)
{
    return l->fake ? atomic_load(&l->fake_mono) : clock_ns(CLOCK_MONOTONIC);
}

lintel_wall
lintel_loop_wall(const struct lintel_loop *l)
{
    return l->fake ? atomic_load(&l->fake_wall) : clock_ns(CLOCK_REALTIME);
}

void
lintel_loop_fake_wall(struct lintel_loop *l, lintel_wall wall)
{
    LINTEL_ASSERT(l->fake);
    atomic_store(&l->fake_wall, wall);
}

static void
fake_time(struct lintel_loop *l, lintel_mono to)
{
    int64_t step = to - atomic_load(&l->fake_mono);
    atomic_fetch_add(&l->fake_mono, step);
    atomic_fetch_add(&l->fake_wall, step);
}

/* ---- timers: a binary heap by time; slot is the place in it, from 1 -------------------------- */

static void
heap_put(struct lintel_loop *l, uint32_t i, struct lintel_timer *t)
{
    l->heap[i] = t;
    t->slot = i + 1;
}

static void
heap_sift(struct lintel_loop *l, uint32_t i)
{
    struct lintel_timer *t = l->heap[i];
    for (; i > 0 && t->at < l->heap[(i - 1) / 2]->at; i = (i - 1) / 2)
        heap_put(l, i, l->heap[(i - 1) / 2]);
    for (uint32_t child; (child = 2 * i + 1) < l->ntimers; i = child) {
        if (child + 1 < l->ntimers && l->heap[child + 1]->at < l->heap[child]->at)
            child++;
        if (t->at <= l->heap[child]->at)
            break;
        heap_put(l, i, l->heap[child]);
    }
    heap_put(l, i, t);
}

static void
heap_remove(struct lintel_loop *l, struct lintel_timer *t)
{
    uint32_t i = t->slot - 1;
    LINTEL_ASSERT(i < l->ntimers && l->heap[i] == t);
    t->slot = 0;
    struct lintel_timer *last = l->heap[--l->ntimers];
    if (i < l->ntimers) {
        l->heap[i] = last;
        heap_sift(l, i);
    }
}

static void on_alarm(uv_timer_t *alarm);

/* Sets libuv's timer for the first of the heap. One that is armed too early costs an idle turn,
 * which is cheaper than moving it with every timer that is stopped or put off. */
static void
set_alarm(struct lintel_loop *l)
{
    if (l->fake || l->ntimers == 0)
        return;
    lintel_mono at = l->heap[0]->at;
    if (uv_is_active((uv_handle_t *)&l->alarm) && l->alarm_at <= at)
        return;
    lintel_mono left = at - lintel_loop_now(l);
    uv_update_time(&l->uv);
    uv_timer_start(&l->alarm, on_alarm, left <= 0 ? 0 : ((uint64_t)left + 999999) / 1000000, 0);
    l->alarm_at = at;
}

/* Runs what is due. A timer that arms itself for the past waits for the next turn, so that it can't
 * starve the descriptors. */
static void
run_due(struct lintel_loop *l, lintel_mono now)
{
    for (uint32_t most = l->ntimers; most > 0 && l->ntimers > 0 && l->heap[0]->at <= now; most--) {
        struct lintel_timer *t = l->heap[0];
        heap_remove(l, t);
        t->fn(t->arg);
    }
}

static void
on_alarm(uv_timer_t *alarm)
{
    struct lintel_loop *l = alarm->data;
    run_due(l, lintel_loop_now(l));
    set_alarm(l);
}

/* Before the heap is full: while memory is out for a moment, timers go on. */
static void
grow_heap(struct lintel_loop *l)
{
    if (l->ntimers < l->timer_room - l->timer_room / 4)
        return;
    uint32_t room = l->timer_room ? l->timer_room * 2 : 16;
    void *heap = lintel_grow(l->heap, room, sizeof(*l->heap));
    if (heap == NULL)
        return;
    l->heap = heap;
    l->timer_room = room;
}

int
lintel_timer_at(struct lintel_loop *l, struct lintel_timer *t, lintel_mono at, void (*fn)(void *),
                void *arg)
{
    t->fn = fn;
    t->arg = arg;
    t->at = at;
    if (t->slot == 0) {
        grow_heap(l);
        if (l->ntimers == l->timer_room)
            return -1;
        heap_put(l, l->ntimers++, t);
    }
    heap_sift(l, t->slot - 1);
    set_alarm(l);
    return 0;
}

void
lintel_timer_stop(struct lintel_loop *l, struct lintel_timer *t)
{
    if (t->slot != 0)
        heap_remove(l, t);
}

/* ---- libuv's memory -------------------------------------------------------------------------- */

/* libuv aborts where its table of descriptors can't grow. So what makes it grow brings the memory
 * along, or gives up before it calls libuv. */
static _Thread_local struct {
    void *memory, *before; /* of the table, and the one that it comes for */
    size_t size, nbefore;
} table;

static void *
table_or_memory(void *p, size_t n)
{
    void *memory = table.memory;
    if (memory == NULL || n > table.size || p != table.before)
        return lintel_grow(p, n, 1);
    if (p != NULL)
        memcpy(memory, p, table.nbefore < n ? table.nbefore : n);
    lintel_free(p);
    table.memory = NULL;
    return memory;
}

/* Room for descriptors up to this one. Each goes with a table_end(). 0, or -1: out of memory. */
static int
table_begin(const struct lintel_loop *l, int highest)
{
    size_t room = 64;
    if ((unsigned)highest < l->uv.nwatchers)
        return 0;
    while (room < (size_t)highest + 3) /* libuv keeps two for itself */
        room *= 2;
    table.memory = lintel_alloc_array(room, sizeof(void *));
    table.size = room * sizeof(void *);
    table.before = l->uv.watchers;
    table.nbefore = l->uv.watchers != NULL ? (l->uv.nwatchers + 2) * sizeof(void *) : 0;
    return table.memory != NULL ? 0 : -1;
}

static void
table_end(void)
{
    lintel_free(table.memory); /* libuv has not wanted it */
    table.memory = NULL;
}

static void
use_our_memory(void)
{
    uv_replace_allocator(lintel_alloc, table_or_memory, lintel_alloc_array, lintel_free);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static void
free_watch(uv_handle_t *handle)
{
    lintel_free(handle->data);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    struct lintel_loop *l = poll->loop->data;
    int fd = w->fd;
    uint32_t ready = 0;
    l->events++;
    /* libuv ends a watch whose descriptor has an error. The owner learns of errors by reading or
     * writing, and may not do it in this call: watch on, so that a level-triggered error calls
     * again. */
    if (status < 0)
        events = w->events;
    if (events & UV_READABLE)
        ready |= LINTEL_LOOP_READ;
    if (events & UV_WRITABLE)
        ready |= LINTEL_LOOP_WRITE;
    w->fn(w->arg, fd, ready);
    if (status < 0 && l->watches[fd] == w && !uv_is_active((uv_handle_t *)poll))
        uv_poll_start(poll, w->events, on_ready);
}

static void
end_watch(struct lintel_loop *l, int fd)
{
    struct watch *w = l->watches[fd];
    l->watches[fd] = NULL;
    l->nwatches--;
    uv_close((uv_handle_t *)&w->poll, free_watch);
}

static struct watch *
begin_watch(struct lintel_loop *l, int fd)
{
    size_t i = (size_t)fd;
    if (i >= l->watch_room) {
        size_t room = l->watch_room ? l->watch_room : 16;
        while (room <= i)
            room *= 2;
        struct watch **watches = lintel_grow(l->watches, room, sizeof *watches);
        if (watches == NULL)
            return NULL;
        for (size_t k = l->watch_room; k < room; k++)
            watches[k] = NULL;
        l->watches = watches;
        l->watch_room = room;
    }
    struct watch *w = lintel_alloc(sizeof *w);
    if (w == NULL)
        return NULL;
    w->fd = fd;
    if (uv_poll_init(&l->uv, &w->poll, fd) != 0) {
        lintel_free(w);
        return NULL;
    }
    w->poll.data = w;
    l->watches[fd] = w;
    l->nwatches++;
    return w;
}

int
lintel_loop_watch(struct lintel_loop *l, int fd, uint32_t events,
                  void (*fn)(void *arg, int fd, uint32_t ready), void *arg)
{
    if (fd < 0)
        return -1;
    struct watch *w = (size_t)fd < l->watch_room ? l->watches[fd] : NULL;
    if (events == 0) {
        if (w != NULL)
            end_watch(l, fd);
        return 0;
    }
    int began = w == NULL;
    if (began && (w = begin_watch(l, fd)) == NULL)
        return -1;
    w->fn = fn;
    w->arg = arg;
    w->events = ((events & LINTEL_LOOP_READ) ? UV_READABLE : 0) |
                ((events & LINTEL_LOOP_WRITE) ? UV_WRITABLE : 0);
    int failed = table_begin(l, fd) != 0 || uv_poll_start(&w->poll, w->events, on_ready) != 0;
    table_end();
    if (failed && began)
        end_watch(l, fd);
    return failed ? -1 : 0;
}

/* ---- work from other threads ----------------------------------------------------------------- */

/* With l->wakers raised by one, since before the loop could end of what it is woken for. The last
 * look at l. */
static void
wake(struct lintel_loop *l)
{
    eventfd_write(l->wake_fd, 1); /* can't fail: the counter is far from full */
    atomic_fetch_sub(&l->wakers, 1);
}

int
lintel_loop_post(struct lintel_loop *l, void (*fn)(void *arg), void *arg)
{
    int ok = 1, first = 0;
    pthread_mutex_lock(&l->lock);
    struct posts *q = &l->posted;
    if (q->n == q->room) {
        size_t room = q->room * 2;
        struct post *list = lintel_grow(q->list, room, sizeof *list);
        ok = list != NULL;
        if (ok) {
            q->list = list;
            q->room = room;
        }
    }
    if (ok) {
        first = q->n == 0 && !l->awake; /* else the loop looks anyway */
        q->list[q->n++] = (struct post){fn, arg};
        if (first)
            atomic_fetch_add(&l->wakers, 1);
    }
    pthread_mutex_unlock(&l->lock);
    if (first)
        wake(l);
    return ok ? 0 : -1;
}

/* Returns how many those were. again: if there were any, another look follows before the loop
 * waits, and until then nobody has to wake it. */
static size_t
run_posted(struct lintel_loop *l, int again)
{
    pthread_mutex_lock(&l->lock);
    struct posts list = l->posted;
    l->posted = l->running;
    l->awake = again && list.n != 0;
    pthread_mutex_unlock(&l->lock);
    size_t n = list.n;
    for (size_t i = 0; i < n; i++) {
        l->events++;
        list.list[i].fn(list.list[i].arg);
    }
    list.n = 0;
    l->running = list;
    return n;
}

/* What is posted meanwhile is seen by a second look; what comes then runs in the next turn, so that
 * those who post again and again don't hold up the descriptors. */
static void
on_wake(uv_poll_t *handle, int status, int events)
{
    struct lintel_loop *l = handle->data;
    eventfd_t count;
    (void)status, (void)events;
    eventfd_read(l->wake_fd, &count);
    if (run_posted(l, 1) != 0)
        run_posted(l, 0);
}

/* ---- the end of a turn ----------------------------------------------------------------------- */

void
lintel_turn_end(struct lintel_loop *l, struct lintel_turn *t, void (*fn)(void *arg), void *arg)
{
    t->fn = fn;
    t->arg = arg;
    if (t->listed)
        return;
    t->listed = 1;
    t->next = l->turns;
    l->turns = t;
}

void
lintel_turn_stop(struct lintel_loop *l, struct lintel_turn *t)
{
    if (!t->listed)
        return;
    struct lintel_turn **at = &l->turns;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->listed = 0;
}

static void
on_turn(uv_prepare_t *turn)
{
    struct lintel_loop *l = turn->data;
    while (l->turns != NULL) {
        struct lintel_turn *t = l->turns;
        l->turns = t->next;
        t->listed = 0;
        t->fn(t->arg);
    }
}

/* ---- what is expected ------------------------------------------------------------------------ */

static void
on_look(uv_idle_t *looking)
{
    struct lintel_loop *l = looking->data;
    if (--l->looks == 0)
        uv_idle_stop(looking);
}

int
lintel_loop_expect(struct lintel_loop *l)
{
    if (l->looked) {
        l->vain = l->looks != 0 ? 0 : 2 * l->vain + 1;
        if (l->vain > PAUSE_MOST)
            l->vain = PAUSE_MOST;
        l->pause = l->vain;
    }
    l->looked = l->pause == 0;
    if (l->looked)
        uv_idle_start(&l->looking, on_look);
    else
        uv_idle_stop(&l->looking);
    l->looks = l->looked ? LINTEL_LOOP_LOOKS : 0;
    l->pause -= l->pause != 0;
    return l->looked;
}

/* ---- signals --------------------------------------------------------------------------------- */

static void
on_signal(uv_signal_t *signal, int signum)
{
    struct signal_watch *s = signal->data;
    ((struct lintel_loop *)signal->loop->data)->events++;
    s->fn(s->arg, signum);
}

static void
free_signal(uv_handle_t *handle)
{
    lintel_free(handle->data);
}

int
lintel_loop_signal(struct lintel_loop *l, int signum, void (*fn)(void *arg, int signum), void *arg)
{
    struct signal_watch *s = lintel_alloc(sizeof *s);
    if (s == NULL)
        return -1;
    *s = (struct signal_watch){.fn = fn, .arg = arg};
    int failed = table_begin(l, l->wake_fd + FEW) != 0 || uv_signal_init(&l->uv, &s->signal) != 0;
    table_end();
    if (failed) {
        lintel_free(s);
        return -1;
    }
    s->signal.data = s;
    if (uv_signal_start(&s->signal, on_signal, signum) != 0) {
        uv_close((uv_handle_t *)&s->signal, free_signal);
        return -1;
    }
    s->next = l->signals;
    l->signals = s;
    return 0;
}

/* ---- running --------------------------------------------------------------------------------- */

static int
posts_reserve(struct posts *q)
{
    q->list = lintel_alloc_array(LINTEL_LOOP_POSTS_SURE, sizeof *q->list);
    q->room = LINTEL_LOOP_POSTS_SURE;
    return q->list != NULL ? 0 : -1;
}

static void
free_memory(struct lintel_loop *l)
{
    lintel_free(l->heap);
    lintel_free(l->watches);
    lintel_free(l->posted.list);
    lintel_free(l->running.list);
    lintel_free(l);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static int
start_libuv(struct lintel_loop *l)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_our_memory);
    int failed = table_begin(l, l->wake_fd + FEW) != 0 || uv_loop_init(&l->uv) != 0;
    table_end();
    if (failed)
        return -1;
    if (uv_poll_init(&l->uv, &l->wake, l->wake_fd) != 0) {
        uv_loop_close(&l->uv);
        return -1;
    }
    uv_poll_start(&l->wake, UV_READABLE, on_wake);
    uv_timer_init(&l->uv, &l->alarm);
    uv_idle_init(&l->uv, &l->looking);
    uv_prepare_init(&l->uv, &l->turn);
    uv_prepare_start(&l->turn, on_turn);
    return 0;
}

static struct lintel_loop *
new_loop(int fake)
{
    struct lintel_loop *l = lintel_alloc(sizeof *l);
    if (l == NULL)
        return NULL;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd < 0 || posts_reserve(&l->posted) != 0 || posts_reserve(&l->running) != 0 ||
        start_libuv(l) != 0) {
        if (l->wake_fd >= 0)
            close(l->wake_fd);
        free_memory(l);
        return NULL;
    }
    l->uv.data = l->wake.data = l->alarm.data = l->turn.data = l->looking.data = l;
    pthread_mutex_init(&l->lock, NULL);
    l->fake = fake;
    l->fake_mono = FAKE_MONO;
    l->fake_wall = FAKE_WALL;
    return l;
}

struct lintel_loop *
lintel_loop_new(void)
{
    return new_loop(0);
}

struct lintel_loop *
lintel_loop_new_fake(void)
{
    return new_loop(1);
}

void
lintel_loop_free(struct lintel_loop *l)
{
    if (l == NULL)
        return;
    LINTEL_ASSERT(l->ntimers == 0 && l->nwatches == 0 && l->turns == NULL);
    for (struct signal_watch *s = l->signals, *next; s != NULL; s = next) {
        next = s->next;
        uv_close((uv_handle_t *)&s->signal, free_signal);
    }
    uv_close((uv_handle_t *)&l->alarm, NULL);
    uv_close((uv_handle_t *)&l->turn, NULL);
    uv_close((uv_handle_t *)&l->looking, NULL);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT); /* until everything is closed */
    LINTEL_ASSERT(uv_loop_close(&l->uv) == 0);
    while (atomic_load(&l->wakers) != 0) /* the descriptor would be another's */
        sched_yield();
    close(l->wake_fd);
    pthread_mutex_destroy(&l->lock);
    free_memory(l);
}

void
lintel_loop_run(struct lintel_loop *l)
{
    LINTEL_ASSERT(!l->fake);
    while (!atomic_exchange(&l->stopping, 0))
        uv_run(&l->uv, UV_RUN_ONCE);
}

void
lintel_loop_stop(struct lintel_loop *l)
{
    atomic_fetch_add(&l->wakers, 1);
    atomic_store(&l->stopping, 1);
    wake(l);
}

/* Serves descriptors, signals and posts until nothing happens any more. */
static void
settle(struct lintel_loop *l)
{
    for (int i = 0; i < QUIET_ROUNDS; i++) {
        uint64_t before = l->events;
        uv_run(&l->uv, UV_RUN_NOWAIT);
        if (l->events == before)
            return;
    }
}

void
lintel_loop_advance(struct lintel_loop *l, int64_t ns)
{
    LINTEL_ASSERT(l->fake && ns >= 0);
    lintel_mono end = lintel_loop_now(l) + ns;
    settle(l);
    while (l->ntimers > 0 && l->heap[0]->at <= end) {
        lintel_mono at = l->heap[0]->at;
        if (at > lintel_loop_now(l))
            fake_time(l, at);
        struct lintel_timer *t = l->heap[0];
        heap_remove(l, t);
        t->fn(t->arg);
        settle(l);
    }
    fake_time(l, end);
}

static void
on_until(uv_timer_t *timer)
{
    (void)timer; /* ends the turn */
}

int
lintel_loop_until(struct lintel_loop *l, int (*done)(void *ctx), void *ctx, int64_t real_ns)
{
    int64_t end = clock_ns(CLOCK_MONOTONIC) + real_ns;
    uv_timer_t timer;
    uv_timer_init(&l->uv, &timer);
    while (!done(ctx)) {
        int64_t left = end - clock_ns(CLOCK_MONOTONIC);
        if (left <= 0)
            break;
        uv_update_time(&l->uv);
        /* Repeating: one that is due at once runs before libuv waits, and must not be the last. */
        uv_timer_start(&timer, on_until, (uint64_t)left / 1000000 + 1,
                       (uint64_t)left / 1000000 + 1);
        uv_run(&l->uv, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&l->uv, UV_RUN_NOWAIT); /* libuv lets go of the timer */
    return done(ctx);
}
