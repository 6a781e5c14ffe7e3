/* SPDX-License-Identifier: Apache-2.0
 * Recordings of messages as pcapng (draft-ietf-opsawg-pcapng), written and read: one interface of
 * link type 252 (LINKTYPE_WIRESHARK_UPPER_PDU), whose packets say which dissector reads them. So
 * Wireshark shows the messages of any protocol, without made-up headers. Times in ns. No I/O. */
#ifndef LINTEL_BASE_PCAPNG_H
#define LINTEL_BASE_PCAPNG_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

enum { /* limits of what is read */
       LINTEL_PCAPNG_BYTES_MOST = 256 * 1024 * 1024,
       LINTEL_PCAPNG_BLOCK_MOST = 4 * 1024 * 1024,
       LINTEL_PCAPNG_PACKETS_MOST = 2 * 1000 * 1000,
       LINTEL_PCAPNG_INTERFACES_MOST = 64,
       LINTEL_PCAPNG_NAME = 64,
       LINTEL_PCAPNG_REASON = 160
};

struct lintel_pcapng_head {        /* texts; NULL or "": left out */
    const char *application;       /* "Lintel 0.1.0" */
    const char *comment;           /* of the section, for people */
    const char *name, *detail;     /* of the interface: the bus */
    const char *interface_comment; /* for programs */
};
void lintel_pcapng_begin(struct lintel_buf *b, const struct lintel_pcapng_head *h);

struct lintel_pcapng_packet {
    int64_t when; /* ns since 1970 */
    int incoming;
    const char *protocol; /* the dissector's name */
    const char *peer; /* "192.0.2.1:502", "[2001:db8::1]:502"; others leave no trace. Not read */
    const void *p;
    size_t n;
    const char *comment; /* or NULL. Not read */
};
void lintel_pcapng_packet(struct lintel_buf *b, const struct lintel_pcapng_packet *p);
/* The statistics at the end. */
void lintel_pcapng_end(struct lintel_buf *b, int64_t when, uint64_t received, uint64_t dropped);

struct lintel_pcapng_fns { /* all borrowed during the call; not 0 ends the reading with -1 */
    int (*comment)(void *ctx, const char *text, size_t n); /* of a section or an interface */
    int (*packet)(void *ctx, const struct lintel_pcapng_packet *p);
    void *ctx;
};
/* Any pcapng, of both byte orders; packets of other link types and unknown blocks are skipped. -1
 * with the reason, which says at which byte; what was handed out before stays. */
int lintel_pcapng_read(const void *p, size_t n, const struct lintel_pcapng_fns *fns,
                       char reason[LINTEL_PCAPNG_REASON]);
#endif
