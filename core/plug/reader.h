/* SPDX-License-Identifier: Apache-2.0
 * Who reads what the hub sends to a child. The main thread can always do it. When the child has one
 * instance only, of a plugin that does not block, that instance's own thread reads, and works off
 * what it has read without waking another: a frame wakes one thread instead of two. What is not for
 * the instance it leaves to the main thread, which also steps in when the instance is held up, or
 * when the hub closes the connection. One whose plugin blocks, or that is not alone, reads briefly:
 * while much comes for it and its calls are short. */
#ifndef LINTEL_PLUG_READER_H
#define LINTEL_PLUG_READER_H
#include <pthread.h>

#include "core/loop/frames.h"
#include "core/plug/worker.h"

struct lintel_reader {
    int fd;
    int kick; /* an eventfd: the main thread is to look; -1: there is none, and it reads alone */
    struct lintel_splitter in; /* of who reads */
    pthread_mutex_t lock;      /* of all below; held by the instance's thread while it reads */
    enum { LINTEL_READS_MAIN, LINTEL_READS_OFFERED, LINTEL_READS_GUEST } who;
    int brief;             /* the main thread's: the guest is looked after often */
    int left;              /* frames wait in `in` that the guest has left to the main thread */
    int failed;            /* the guest could not go on */
    int starved;           /* memory was out for what is read */
    uint64_t turns;        /* of guests, */
    uint64_t turns_before; /* and those before the last offer */
};
struct lintel_guest { /* an instance that may read; zero it before use */
    struct lintel_reader *reader;
    struct lintel_worker *worker;
    uint32_t number;
    int posted; /* it was asked, and has not looked yet; under the reader's lock */
};

/* fd stays the caller's. */
void lintel_reader_init(struct lintel_reader *r, int fd);
void lintel_reader_fini(struct lintel_reader *r); /* after the end of the guest's thread */

/* All of these: main thread. */
enum { LINTEL_READER_END = 1, LINTEL_READER_OTHER = 2 };
/* Waits for something to do, and does it: gives the frames that are for the main thread to fn. 0:
 * go on. LINTEL_READER_OTHER: go on; the descriptor `other` (-1: none) is readable.
 * LINTEL_READER_END: the hub has closed. -1: it broke the rules, or memory is out. */
int lintel_reader_next(struct lintel_reader *r, int other,
                       int (*fn)(void *ctx, const unsigned char *data, size_t n), void *ctx);
/* The guest may read, as soon as its thread comes to it. brief: until it has read nothing for 10
 * ms, so that cancellations, and what is for others, wait for twice that at most. -1: its time is
 * over since the last offer, and this was none. */
int lintel_reader_offer(struct lintel_reader *r, struct lintel_guest *g, int brief);
/* From now on the main thread reads. */
void lintel_reader_take_back(struct lintel_reader *r);
#endif
