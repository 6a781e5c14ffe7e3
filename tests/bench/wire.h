/* SPDX-License-Identifier: Apache-2.0
 * What the load clients share: raw CoAP messages over connected UDP sockets, and time. */
#ifndef LINTEL_BENCH_WIRE_H
#define LINTEL_BENCH_WIRE_H
#include <stddef.h>
#include <stdint.h>

#define SECOND INT64_C(1000000000)

int64_t wire_now(void); /* ns */
_Noreturn void wire_fail(const char *program, const char *what);
/* A non-blocking socket connected to an address in figures; ends the program where that can't be.
 */
int wire_connect(const char *program, const char *address, unsigned port);
/* A whole number among the arguments, 1 to max. */
unsigned wire_argument(const char *program, int argc, char **argv, int i, unsigned dflt,
                       unsigned max);

enum { WIRE_MOST = 1400 };
struct wire { /* a message being written */
    uint8_t bytes[WIRE_MOST];
    size_t n;
    unsigned last; /* number of the option before */
};
/* Confirmable, with a token of four bytes, both filled in later at bytes[2] and bytes[4]. */
void wire_begin(struct wire *w, unsigned code);
/* In the order of numbers; what does not fit ends the program. */
void wire_option(struct wire *w, unsigned number, const void *p, size_t n);
/* The segments of a path, and the pieces of a query behind it. */
void wire_path(struct wire *w, const char *path);
void wire_payload(struct wire *w, const void *p, size_t n);
#endif
