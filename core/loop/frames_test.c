/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop/frames.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

struct end { /* one end, and what came */
    struct lintel_loop *loop;
    struct lintel_frames *frames;
    int raw; /* the other end, without frames */
    int n, refuse_at, close_at, ends;
    size_t bytes;
    char last[64], reason[128];
};

static int
on_frame(void *ctx, const unsigned char *data, size_t n)
{
    struct end *e = ctx;
    e->n++;
    e->bytes += n;
    if (n < sizeof e->last) {
        memcpy(e->last, data, n);
        e->last[n] = '\0';
    }
    if (e->n == e->close_at) {
        lintel_frames_close(e->frames);
        e->frames = NULL;
    }
    return e->n == e->refuse_at;
}

static void
on_closed(void *ctx, const char *reason)
{
    struct end *e = ctx;
    e->ends++;
    lintel_copy(e->reason, sizeof e->reason, reason);
    lintel_frames_close(e->frames);
    e->frames = NULL;
}

static const struct lintel_frames_fns fns = {on_frame, on_closed};

static void
begin(struct end *e, size_t queue_most)
{
    int fds[2] = {-1, -1};
    *e = (struct end){.loop = lintel_loop_new_fake()};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    e->raw = fds[1];
    e->frames = lintel_frames_new(e->loop, fds[0], queue_most, &fns, e);
    CHECK(e->frames != NULL);
}

static void
finish(struct end *e)
{
    lintel_frames_close(e->frames);
    close(e->raw);
    lintel_loop_free(e->loop);
}

static void
put(struct end *e, const char *bytes, size_t n)
{
    CHECK_INT(write(e->raw, bytes, n), n);
    lintel_loop_advance(e->loop, 0);
}

static void
frames_come_whole_however_they_are_cut(void)
{
    struct end e;
    begin(&e, 1000);
    static const char two[] = "\0\0\0\3abc\0\0\0\2de";
    for (size_t i = 0; i < sizeof two - 1; i++)
        put(&e, two + i, 1);
    CHECK_INT(e.n, 2);
    CHECK_STR(e.last, "de");
    put(&e, two, 9);
    CHECK_INT(e.n, 3);
    CHECK_STR(e.last, "abc");
    put(&e, two + 9, sizeof two - 1 - 9);
    CHECK_INT(e.n, 4);
    CHECK_STR(e.last, "de");
    finish(&e);
}

static void
lengths_that_cannot_be_end_the_connection(void)
{
    static const char *const bad[] = {"\0\0\0\0", "\0\x40\0\1", "\xff\xff\xff\xff"};
    for (size_t i = 0; i < LINTEL_COUNT(bad); i++) {
        struct end e;
        begin(&e, 1000);
        put(&e, "\0\0\0\1a", 5);
        put(&e, bad[i], 4);
        CHECK_INT(e.n, 1);
        CHECK_INT(e.ends, 1);
        CHECK_HAS(e.reason, "length");
        finish(&e);
    }
}

static void
a_refused_frame_ends_the_connection(void)
{
    struct end e;
    begin(&e, 1000);
    e.refuse_at = 2;
    put(&e, "\0\0\0\1a\0\0\0\1b\0\0\0\1c", 15);
    CHECK_INT(e.n, 2);
    CHECK_INT(e.ends, 1);
    CHECK_HAS(e.reason, "protocol");
    finish(&e);
}

static void
it_may_be_closed_from_inside(void)
{
    struct end e;
    begin(&e, 1000);
    e.close_at = 1;
    put(&e, "\0\0\0\1a\0\0\0\1b", 10);
    CHECK_INT(e.n, 1);
    CHECK_INT(e.ends, 0);
    CHECK(e.frames == NULL);
    finish(&e);
}

static int
answer_thrice(void *ctx, const unsigned char *data, size_t n)
{
    struct end *e = ctx;
    struct lintel_buf b = {0};
    lintel_buf_add(&b, data, n);
    for (int i = 0; i < 3; i++)
        CHECK_INT(lintel_frames_send(e->frames, &b), 0);
    lintel_buf_fini(&b);
    if (++e->n == e->close_at) {
        lintel_frames_close(e->frames);
        e->frames = NULL;
    }
    return e->n == e->refuse_at;
}

/* What a callback says leaves at the end of the turn, and all the same when the connection ends in
 * it: closed from inside, refused, or closed by the peer one way only. */
static void
what_is_said_in_a_callback_leaves(void)
{
    static const struct lintel_frames_fns thrice = {answer_thrice, on_closed};
    for (int way = 0; way < 4; way++) {
        struct end e;
        char got[64];
        int fds[2] = {-1, -1};
        e = (struct end){.loop = lintel_loop_new_fake(),
                         .close_at = way == 1 ? 2 : 0,
                         .refuse_at = way == 2 ? 2 : 0};
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        e.raw = fds[1];
        e.frames = lintel_frames_new(e.loop, fds[0], 1000, &thrice, &e);
        put(&e, "\0\0\0\1a\0\0\0\1b", 10);
        if (way == 3)
            shutdown(e.raw, SHUT_WR);
        for (int i = 0; i < 3; i++)
            lintel_loop_advance(e.loop, 0);
        CHECK_INT(recv(e.raw, got, sizeof got, MSG_DONTWAIT), 30);
        CHECK_INT(got[4], 'a');
        CHECK_INT(got[29], 'b');
        CHECK_INT(e.ends, way >= 2);
        finish(&e);
    }
}

static void
the_end_is_told_once(void)
{
    struct end e;
    begin(&e, 1000);
    shutdown(e.raw, SHUT_WR);
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.ends, 1);
    CHECK_STR(e.reason, "it has closed the connection");
    finish(&e);
    begin(&e, 1000);
    put(&e, "\0\0\0\5ab", 6);
    shutdown(e.raw, SHUT_WR);
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.ends, 1);
    CHECK_HAS(e.reason, "inside a frame");
    finish(&e);
}

/* A reader that does not read fills the queue to its limit and not beyond; then all arrives. */
static void
a_slow_reader_is_waited_for_up_to_the_limit(void)
{
    enum { LIMIT = 3 * 1000 * 1000 };
    struct end e;
    struct lintel_buf piece = {0}, got = {0};
    begin(&e, LIMIT);
    while (piece.n < 70001)
        lintel_buf_addc(&piece, (char)('a' + piece.n % 26));
    unsigned sent = 0;
    while (lintel_frames_send(e.frames, &piece) == 0)
        sent++;
    CHECK(lintel_frames_queued(e.frames) <= LIMIT);
    CHECK(lintel_frames_queued(e.frames) > LIMIT - 80000);
    CHECK(sent > 40);
    unsigned equal = 0;
    for (ssize_t n = 1; n > 0 || lintel_frames_queued(e.frames) > 0;) {
        static char some[50000];
        lintel_loop_advance(e.loop, 0);
        n = recv(e.raw, some, sizeof some, MSG_DONTWAIT);
        lintel_buf_add(&got, some, n > 0 ? (size_t)n : 0);
    }
    REQUIRE(got.n == sent * (4 + piece.n));
    for (unsigned i = 0; i < sent; i++)
        equal += memcmp(got.p + i * (4 + piece.n) + 4, piece.p, piece.n) == 0;
    CHECK_INT(equal, sent);
    CHECK_INT(lintel_frames_queued(e.frames), 0);
    CHECK_INT(lintel_frames_send(e.frames, &piece), 0);
    lintel_buf_fini(&piece);
    lintel_buf_fini(&got);
    finish(&e);
}

static void
what_cannot_be_sent_is_refused(void)
{
    struct end e;
    struct lintel_buf empty = {0}, failed = {.limit = 1}, small = {0};
    begin(&e, 100);
    lintel_buf_adds(&failed, "ab");
    lintel_buf_adds(&small, "ab");
    CHECK_INT(lintel_frames_send(e.frames, &empty), -1);
    CHECK_INT(lintel_frames_send(e.frames, &failed), -1);
    CHECK_INT(lintel_frames_send(e.frames, &small), 0);
    struct lintel_buf much = {0};
    while (much.n < 101)
        lintel_buf_addc(&much, 'x');
    CHECK_INT(lintel_frames_send(e.frames, &much), -1);
    close(e.raw);
    CHECK_INT(lintel_frames_send(e.frames, &small), -1); /* no SIGPIPE either */
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.ends, 1);
    e.raw = open("/dev/null", O_RDONLY | O_CLOEXEC);
    lintel_buf_fini(&failed);
    lintel_buf_fini(&small);
    lintel_buf_fini(&much);
    finish(&e);
}

static void
a_frame_of_the_greatest_length_passes(void)
{
    struct end e;
    struct lintel_buf most = {0};
    int left = LINTEL_FRAME_MOST, fds[2];
    begin(&e, 100);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    struct end sender = {.loop = e.loop};
    sender.frames = lintel_frames_new(e.loop, fds[0], 2 * LINTEL_FRAME_MOST, &fns, &sender);
    struct end receiver = {.loop = e.loop};
    receiver.frames = lintel_frames_new(e.loop, fds[1], 100, &fns, &receiver);
    static const char zeros[4096];
    for (; left > 0; left -= (int)sizeof zeros)
        lintel_buf_add(&most, zeros, sizeof zeros);
    CHECK_INT(lintel_frames_send(sender.frames, &most), 0);
    for (int i = 0; i < 1000 && receiver.n == 0; i++)
        lintel_loop_advance(e.loop, 0);
    CHECK_INT(receiver.n, 1);
    CHECK_INT(receiver.bytes, LINTEL_FRAME_MOST);
    lintel_buf_addc(&most, 'x');
    CHECK_INT(lintel_frames_send(sender.frames, &most), -1);
    lintel_frames_close(sender.frames);
    lintel_frames_close(receiver.frames);
    lintel_buf_fini(&most);
    finish(&e);
}

static void
blocking_helpers(void)
{
    struct end e;
    struct lintel_buf b = {0};
    begin(&e, 1000);
    lintel_buf_adds(&b, "hello");
    CHECK_INT(lintel_frame_write(e.raw, &b), 0);
    lintel_loop_advance(e.loop, 0);
    CHECK_STR(e.last, "hello");
    CHECK_INT(lintel_frames_send(e.frames, &b), 0);
    lintel_buf_reset(&b);
    CHECK_INT(lintel_frame_write(e.raw, &b), -1);
    CHECK_INT(lintel_frame_read(e.raw, &b), 0);
    CHECK_STR(lintel_buf_str(&b), "hello");
    lintel_frames_close(e.frames);
    e.frames = NULL;
    CHECK_INT(lintel_frame_read(e.raw, &b), 1);
    lintel_buf_fini(&b);
    finish(&e);
}

static void
running_out_of_memory_is_survived(void)
{
    struct end e;
    begin(&e, 1000);
    lintel_mem_fail_at(1);
    put(&e, "\0\0\0\1a", 5);
    lintel_mem_fail_at(0);
    CHECK_INT(e.ends, 1);
    CHECK_STR(e.reason, "out of memory");
    finish(&e);
}

/* Frames come in, in pieces, and one goes out later: each as a whole, or the connection ends with
 * a reason. */
static int
carry_once(void *ctx)
{
    struct end e;
    struct lintel_buf b = {0};
    char got[8];
    (void)ctx;
    kit_memory_is_back();
    begin(&e, 1000);
    lintel_buf_adds(&b, "out");
    kit_memory_fails_from_here();
    put(&e, "\0\0\0\3ab", 6);
    int sent = e.frames != NULL && lintel_frames_queue(e.frames, &b) == 0;
    if (e.frames != NULL)
        put(&e, "c\0\0\0\2de", 7);
    kit_memory_is_back();
    lintel_loop_advance(e.loop, 0);
    CHECK_INT(e.n == 2, e.frames != NULL);
    CHECK_INT(e.ends, e.frames == NULL);
    if (e.frames == NULL)
        CHECK_STR(e.reason, "out of memory");
    else
        CHECK_STR(e.last, "de");
    if (sent && e.frames != NULL)
        CHECK_INT(recv(e.raw, got, sizeof got, MSG_DONTWAIT), 7);
    int whole = sent && e.n == 2;
    lintel_buf_fini(&b);
    finish(&e);
    return whole;
}

static void
memory_may_run_out_anywhere(void)
{
    kit_each_failure(carry_once, NULL);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(frames_come_whole_however_they_are_cut),
                                            KIT(lengths_that_cannot_be_end_the_connection),
                                            KIT(a_refused_frame_ends_the_connection),
                                            KIT(it_may_be_closed_from_inside),
                                            KIT(what_is_said_in_a_callback_leaves),
                                            KIT(the_end_is_told_once),
                                            KIT(a_slow_reader_is_waited_for_up_to_the_limit),
                                            KIT(what_cannot_be_sent_is_refused),
                                            KIT(a_frame_of_the_greatest_length_passes),
                                            KIT(blocking_helpers),
                                            KIT(running_out_of_memory_is_survived),
                                            KIT(memory_may_run_out_anywhere),
                                            {0}};
    return kit_main("frames", tests, argc, argv);
}
