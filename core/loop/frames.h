/* SPDX-License-Identifier: Apache-2.0
 * Frames over a stream socket: a length of 4 bytes, big-endian, then so many bytes of CBOR. The
 * children that host plugins and the command line speak in these. A peer that says much is read in
 * turns, and others come between. Loop's thread. */
#ifndef LINTEL_LOOP_FRAMES_H
#define LINTEL_LOOP_FRAMES_H
#include "core/base/text.h"
#include "core/loop/loop.h"

enum {
    LINTEL_FRAME_MOST = 4 * 1024 * 1024
}; /* bytes of one frame; an empty one breaks the rules */

struct lintel_frames;
struct lintel_frames_fns {
    /* One whole frame; data is valid during the call. Not 0: the peer breaks the protocol; it is
     * closed. */
    int (*frame)(void *ctx, const unsigned char *data, size_t n);
    /* The peer has closed, or broke the rules (reason says which); called once, then nothing more
     * comes. The callee still calls _close(). */
    void (*closed)(void *ctx, const char *reason);
};
/* Takes over fd (non-blocking is set here). queue_most: bytes that may wait for a slow reader; a
 * frame that would go beyond is refused. NULL: out of memory, fd is still the caller's. */
struct lintel_frames *lintel_frames_new(struct lintel_loop *l, int fd, size_t queue_most,
                                        const struct lintel_frames_fns *fns, void *ctx);
/* Sends b as one frame, now or when the peer reads on. -1: no room, too long, or b has failed. */
int lintel_frames_send(struct lintel_frames *f, const struct lintel_buf *b);
/* The same, but what is queued in one turn of the loop leaves together at its end, or earlier when
 * it is much: for many small ones in a row. */
int lintel_frames_queue(struct lintel_frames *f, const struct lintel_buf *b);
size_t lintel_frames_queued(const struct lintel_frames *f);
void
lintel_frames_close(struct lintel_frames *f); /* NULL is fine; may be called from the callbacks */

/* The cutting of a byte stream into frames. {0} is a fresh one. */
struct lintel_splitter {
    unsigned char *p;
    size_t n, room;
    int busy; /* the last bytes filled all the space: more is given */
};
void lintel_splitter_fini(struct lintel_splitter *s);
/* Where the next bytes of the stream go: at least one byte, *ret_room of them. NULL: out of memory.
 */
unsigned char *lintel_splitter_space(struct lintel_splitter *s, size_t *ret_room);
enum { LINTEL_SPLITTER_LATER = -2 };
/* n bytes have been put there: fn gets each frame that is whole now. NULL, or why the stream can't
 * go on: fn returned other than 0, or a length outside 1 .. LINTEL_FRAME_MOST. With
 * LINTEL_SPLITTER_LATER fn has not taken the frame: it comes again with the next call, until which
 * no bytes may be put there; n may be 0. */
const char *lintel_splitter_take(struct lintel_splitter *s, size_t n,
                                 int (*fn)(void *ctx, const unsigned char *data, size_t n),
                                 void *ctx);

/* Blocking, for programs without a loop: 0, -1 on error, 1 at a clean end. *ret is reset and
 * filled. */
int lintel_frame_write(int fd, const struct lintel_buf *b);
int lintel_frame_read(int fd, struct lintel_buf *ret);
#endif
