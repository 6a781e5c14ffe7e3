/* SPDX-License-Identifier: Apache-2.0
 * Handshakes per second: a client that begins a DTLS session with a pre-shared key, asks once, ends
 * it, and begins anew; so many of them side by side.
 *
 *   dtls_load ADDRESS PORT IDENTITY KEY [AT-ONCE [SECONDS [SUITE]]]
 *
 * Prints one line: sessions per second (a session counts when its first answer has come), latency
 * percentiles in microseconds, failures. The client is OpenSSL itself, since libcoap's takes most
 * of a core for its own part. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_AT_ONCE = 64, MOST = 1000000 };
#define SECOND INT64_C(1000000000)
#define GIVE_UP (2 * SECOND)

static struct session {
    SSL *ssl;
    int64_t begun;
    int fd;
    int asked;
} sessions[MAX_AT_ONCE];

static union {
    struct sockaddr sa;
    struct sockaddr_in6 in6;
} to;
static SSL_CTX *context;
static const char *identity, *key;
static uint32_t latencies[MOST];
static unsigned done, failed;

static int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static unsigned
on_psk(SSL *ssl, const char *hint, char *name, unsigned most, unsigned char *psk, unsigned room)
{
    size_t n = strlen(key);
    (void)ssl, (void)hint;
    if (n > room || strlen(identity) >= most)
        return 0;
    memcpy(name, identity, strlen(identity) + 1);
    memcpy(psk, key, n);
    return (unsigned)n;
}

static void
begin(struct session *s)
{
    s->fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, &to.sa, sizeof to.in6) != 0) {
        perror("dtls_load: connect");
        exit(1);
    }
    BIO *bio = BIO_new_dgram(s->fd, BIO_NOCLOSE);
    BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &to);
    s->ssl = SSL_new(context);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_connect_state(s->ssl);
    s->begun = now();
    s->asked = 0;
}

static void
end(struct session *s)
{
    SSL_shutdown(s->ssl); /* one message: the server forgets it */
    SSL_free(s->ssl);
    close(s->fd);
}

/* Goes on as far as it can. 1: answered; -1: it failed. */
static int
go_on(struct session *s)
{
    static const uint8_t get[] = {0x41, 0x01, 0x12, 0x34, 0x07, 0xb4, 't', 'i', 'm', 'e'};
    uint8_t answer[1500];
    if (!s->asked) {
        int r = SSL_do_handshake(s->ssl);
        if (r != 1)
            return SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_READ ? 0 : -1;
        if (SSL_write(s->ssl, get, sizeof get) != sizeof get)
            return -1;
        s->asked = 1;
    }
    int n = SSL_read(s->ssl, answer, sizeof answer);
    if (n <= 0)
        return SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ ? 0 : -1;
    return n >= 4 && answer[1] >> 5 == 2 ? 1 : -1;
}

static int
by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: dtls_load ADDRESS PORT IDENTITY KEY [AT-ONCE [SECONDS [SUITE]]]\n");
        return 2;
    }
    unsigned at_once = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 4;
    double seconds = argc > 6 ? strtod(argv[6], NULL) : 3;
    identity = argv[3];
    key = argv[4];
    to.in6.sin6_family = AF_INET6;
    to.in6.sin6_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    context = SSL_CTX_new(DTLS_client_method());
    if (inet_pton(AF_INET6, argv[1], &to.in6.sin6_addr) != 1 || at_once < 1 ||
        at_once > MAX_AT_ONCE || context == NULL ||
        SSL_CTX_set_cipher_list(context, argc > 7 ? argv[7] : "PSK-AES128-CCM8:@SECLEVEL=0") != 1) {
        fprintf(stderr, "dtls_load: an IPv6 address, 1 to %d at once and a suite are wanted\n",
                MAX_AT_ONCE);
        return 2;
    }
    SSL_CTX_set_psk_client_callback(context, on_psk);

    struct pollfd polls[MAX_AT_ONCE];
    for (unsigned i = 0; i < at_once; i++)
        begin(&sessions[i]);
    int64_t start = now(), stop = start + (int64_t)(seconds * (double)SECOND), t;
    while ((t = now()) < stop && done < MOST) {
        for (unsigned i = 0; i < at_once; i++) {
            struct session *s = &sessions[i];
            int is = go_on(s);
            if (is == 0 && now() - s->begun > GIVE_UP)
                is = -1;
            if (is != 0) {
                if (is > 0)
                    latencies[done++] = (uint32_t)((now() - s->begun) / 1000);
                else
                    failed++;
                end(s);
                begin(s);
                (void)go_on(s);
            }
            polls[i] = (struct pollfd){.fd = s->fd, .events = POLLIN};
        }
        poll(polls, at_once, 100);
    }
    qsort(latencies, done, sizeof latencies[0], by_size);
    printf("%.0f per second, latency us p50 %u p99 %u, failed %u\n", done / seconds,
           done > 0 ? latencies[done / 2] : 0, done > 0 ? latencies[done * 99 / 100] : 0, failed);
    return done == 0 || failed != 0;
}
