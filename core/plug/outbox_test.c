/* SPDX-License-Identifier: Apache-2.0
 * The test reads the other end of the socket when it pleases. */
#include "core/plug/outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/loop/frames.h"
#include "tests/kit/kit.h"

enum { BIG = 64 * 1024 };

struct box {
    struct lintel_outbox *out;
    int fds[2];
    struct lintel_buf frame;
    char body[BIG];
};

static void
begin(struct box *b)
{
    memset(b, 0, sizeof *b);
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->fds), 0);
    b->out = lintel_outbox_new(b->fds[1]);
    REQUIRE(b->out != NULL);
}

static void
end(struct box *b)
{
    lintel_outbox_free(b->out);
    close(b->fds[0]);
    close(b->fds[1]);
    lintel_buf_fini(&b->frame);
}

/* A frame of n bytes that begins with a number. */
static int
put(struct box *b, struct lintel_lane *lane, uint32_t number, size_t n, int if_room)
{
    struct lintel_buf f = {0};
    memcpy(b->body, &number, sizeof number);
    lintel_buf_add(&f, b->body, n);
    int ret = lintel_outbox_put(b->out, lane, &f, if_room, LINTEL_ROW_NONE);
    lintel_buf_fini(&f);
    return ret;
}

static uint32_t
get(struct box *b)
{
    uint32_t number = UINT32_MAX;
    if (CHECK_INT(lintel_frame_read(b->fds[0], &b->frame), 0) && b->frame.n >= sizeof number)
        memcpy(&number, b->frame.p, sizeof number);
    return number;
}

static void
frames_keep_their_order(void)
{
    struct box b;
    struct lintel_lane lane = {0};
    begin(&b);
    lintel_outbox_add(b.out, &lane);
    for (uint32_t i = 0; i < 1000; i++)
        CHECK_INT(put(&b, i % 3 ? &lane : NULL, i, 4 + i % 50, i % 2), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK_INT(get(&b), i);
        CHECK_INT(b.frame.n, 4 + i % 50);
    }
    lintel_outbox_remove(b.out, &lane);
    end(&b);
}

static _Atomic int called;

static void
on_room(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&called, 1);
}

/* Values are refused beyond a share, answers are not; others have a share of their own. */
static void
one_that_floods_is_refused(void)
{
    struct box b;
    struct lintel_lane lane = {.room = on_room}, other = {.room = on_room};
    uint32_t n = 0, read = 0;
    atomic_store(&called, 0);
    begin(&b);
    lintel_outbox_add(b.out, &lane);
    lintel_outbox_add(b.out, &other);
    /* As much as socket and thread hold, then the share: bounded, though nobody reads. The thread
     * may take a share after it was refused, as long as the socket has room. */
    int refused = 0;
    while (refused < 2 && n < 1000) {
        int full = put(&b, &lane, n, BIG, 1) == 1;
        refused = full ? refused + 1 : 0;
        n += !full;
    }
    CHECK(refused == 2 && n >= LINTEL_LANE_BYTES / BIG && n < 100);
    CHECK_INT(put(&b, &lane, n++, BIG, 0), 0); /* an answer */
    CHECK_INT(put(&b, &other, n++, BIG, 1), 0);
    for (; read < n; read++)
        CHECK_INT(get(&b), read);
    /* All is read, so the refused one was or is called: the thread has gone through it when the
     * next frame of values is there. */
    for (int i = 0; i < 2; i++) {
        while (put(&b, &lane, n, 4, 1) != 0)
            ;
        CHECK_INT(get(&b), n++);
    }
    CHECK(atomic_load(&called) >= 1 && atomic_load(&called) < 100);
    lintel_outbox_remove(b.out, &lane);
    lintel_outbox_remove(b.out, &other);
    end(&b);
}

static void
nobody_reads_any_more(void)
{
    struct box b;
    begin(&b);
    close(b.fds[0]);
    b.fds[0] = -1;
    for (int i = 0; i < 5000; i++) /* more than memory could keep */
        CHECK_INT(put(&b, NULL, 1, BIG, 0), 0);
    CHECK_INT(put(&b, NULL, 1, 4, 1), 0);
    end(&b);
}

static void
what_can_not_be_a_frame(void)
{
    struct box b;
    struct lintel_buf empty = {0}, failed = {.failed = 1, .n = 1};
    begin(&b);
    CHECK_INT(lintel_outbox_put(b.out, NULL, &empty, 0, LINTEL_ROW_NONE), -1);
    CHECK_INT(lintel_outbox_put(b.out, NULL, &failed, 0, LINTEL_ROW_NONE), -1);
    end(&b);
}

static int
has_more(const struct box *b)
{
    char byte;
    return recv(b->fds[0], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

static void
put_of_row(struct box *b, uint32_t number, size_t n, enum lintel_row row)
{
    struct lintel_buf f = {0};
    memcpy(b->body, &number, sizeof number);
    lintel_buf_add(&f, b->body, n);
    CHECK_INT(lintel_outbox_put(b->out, NULL, &f, 0, row), 0);
    lintel_buf_fini(&f);
}

/* Of a row the first leaves at once, the others together, in their order: when they are much, or at
 * the end. The outbox' thread, when it begins, may take them along earlier: once. */
static void
a_row_leaves_in_pieces(void)
{
    enum { ROUNDS = 20 };
    struct box b;
    uint32_t n = 0;
    int held[2] = {0};
    begin(&b);
    for (int round = 0; round < ROUNDS; round++) {
        put_of_row(&b, n, 4, LINTEL_ROW_GOES_ON);
        CHECK_INT(get(&b), n++);
        for (uint32_t i = 0; i < 3; i++)
            put_of_row(&b, n + i, 4, LINTEL_ROW_GOES_ON);
        held[0] += !has_more(&b);
        put_of_row(&b, n + 3, 300, LINTEL_ROW_GOES_ON); /* that is much */
        for (int i = 0; i < 4; i++)
            CHECK_INT(get(&b), n++);
        put_of_row(&b, n, 4, LINTEL_ROW_GOES_ON); /* still of the same row */
        held[1] += !has_more(&b);
        if (round % 2)
            lintel_outbox_flush(b.out);
        else
            CHECK_INT(put(&b, NULL, ++n, 4, 0), 0);
        for (uint32_t i = 0; i < (round % 2 ? 1u : 2u); i++)
            CHECK_INT(get(&b), round % 2 ? n : n - 1 + i);
        n++;
    }
    CHECK(held[0] >= ROUNDS - 1 && held[1] >= ROUNDS - 1);
    end(&b);
}

/* What waits for others of its row that may not come leaves by itself, again and again; nothing is
 * lost or sent twice where the others do come. */
static void
what_is_unsure_leaves_by_itself(void)
{
    struct box b;
    uint32_t n = 0, read = 0;
    begin(&b);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 4; i++)
            put_of_row(&b, n++, 4, LINTEL_ROW_UNSURE);
        if (round % 3 == 0)
            lintel_outbox_flush(b.out);
        while (read < n)
            CHECK_INT(get(&b), read++);
        CHECK(!has_more(&b));
    }
    end(&b);
}

static void *
reader(void *arg)
{
    struct box *b = arg;
    for (uint32_t i = 0; i < 200; i++)
        CHECK_INT(get(b), i);
    return NULL;
}

/* The end waits for what was said before. */
static void
the_last_word_gets_through(void)
{
    struct box b;
    pthread_t thread;
    begin(&b);
    for (uint32_t i = 0; i < 200; i++)
        CHECK_INT(put(&b, NULL, i, BIG, 0), 0);
    REQUIRE(pthread_create(&thread, NULL, reader, &b) == 0);
    lintel_outbox_free(b.out);
    b.out = NULL;
    pthread_join(thread, NULL);
    end(&b);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(frames_keep_their_order),    KIT(one_that_floods_is_refused),
        KIT(nobody_reads_any_more),      KIT(what_can_not_be_a_frame),
        KIT(a_row_leaves_in_pieces),     KIT(what_is_unsure_leaves_by_itself),
        KIT(the_last_word_gets_through), {0}};
    return kit_main("outbox", tests, argc, argv);
}
