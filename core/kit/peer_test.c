/* SPDX-License-Identifier: Apache-2.0
 * The kit's peers: scripts over TCP, UDP and a serial line; what is wrong is told. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lintel/kit.h"
#include "tests/kit/kit.h"

static char complaint[400];

static void
keep(uint32_t rule, const char *what)
{
    CHECK_INT(rule, LINTEL_KIT_TEST);
    snprintf(complaint, sizeof complaint, "%s", what);
}

static lintel_kit_peer *
peer_on(int kind, const char *script)
{
    complaint[0] = '\0';
    lintel_kit_on_complaint(keep);
    return lintel_kit_peer_script(kind, script);
}

static int
dial(const lintel_kit_peer *p, int kind)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(lintel_kit_peer_port(p)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (kind == LINTEL_KIT_SERIAL)
        return open(lintel_kit_peer_line(p), O_RDWR | O_NOCTTY | O_CLOEXEC);
    int fd = socket(AF_INET, (kind == LINTEL_KIT_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    CHECK_INT(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void
follows(int kind)
{
    char in[8] = "";
    lintel_kit_peer *p = peer_on(kind, "expect 01 02\nsend 0a0b 0c\nexpect 03\nsend 0d\n");
    REQUIRE(p != NULL);
    int fd = dial(p, kind);
    if (kind == LINTEL_KIT_TCP) { /* in pieces */
        CHECK_INT(write(fd, "\x01", 1), 1);
        CHECK_INT(write(fd, "\x02", 1), 1);
    } else {
        CHECK_INT(write(fd, "\x01\x02", 2), 2);
    }
    ssize_t n = read(fd, in, sizeof in);
    CHECK(n >= 1 && in[0] == 0x0a);
    while (n < 3 && kind != LINTEL_KIT_UDP)
        n += read(fd, in + n, sizeof in - (size_t)n);
    CHECK_INT(n, 3);
    CHECK_INT(write(fd, "\x03", 1), 1);
    CHECK(read(fd, in, 1) == 1 && in[0] == 0x0d);
    close(fd);
    CHECK_INT(lintel_kit_peer_free(p), 1);
    CHECK_STR(complaint, "");
}

static void
tcp_script(void)
{
    follows(LINTEL_KIT_TCP);
}

static void
udp_script(void)
{
    follows(LINTEL_KIT_UDP);
}

static void
serial_script(void)
{
    follows(LINTEL_KIT_SERIAL);
}

static void
other_bytes_are_told(void)
{
    char in[4];
    lintel_kit_peer *p = peer_on(LINTEL_KIT_TCP, "expect 01 02\nclose\n");
    int fd = dial(p, LINTEL_KIT_TCP);
    CHECK_INT(write(fd, "\x01\x09", 2), 2);
    (void)shutdown(fd, SHUT_WR);
    CHECK_INT(read(fd, in, sizeof in), 0);
    close(fd);
    CHECK_INT(lintel_kit_peer_free(p), 0);
    CHECK_HAS(complaint, "left at \"expect 01 02\": other bytes came");
}

static void
what_is_left_is_told(void)
{
    lintel_kit_peer *p = peer_on(LINTEL_KIT_UDP, "expect 01\nsend 02\n");
    CHECK_INT(lintel_kit_peer_free(p), 0);
    CHECK_HAS(complaint, "left at \"expect 01\"");
}

static void
a_close_is_one(void)
{
    char in[4];
    lintel_kit_peer *p = peer_on(LINTEL_KIT_TCP, "expect 01\nclose\nexpect 02\nsend 03\n");
    int fd = dial(p, LINTEL_KIT_TCP);
    CHECK_INT(write(fd, "\x01", 1), 1);
    CHECK_INT(read(fd, in, 1), 0);
    close(fd);
    fd = dial(p, LINTEL_KIT_TCP); /* goes on where it ended */
    CHECK_INT(write(fd, "\x02", 1), 1);
    CHECK(read(fd, in, 1) == 1 && in[0] == 3);
    close(fd);
    CHECK_INT(lintel_kit_peer_free(p), 1);
}

static void
settings_name_it(void)
{
    lintel_kit_peer *p = lintel_kit_peer_new(LINTEL_KIT_TCP, 0, NULL, NULL);
    lintel_kit_peer *line = lintel_kit_peer_new(LINTEL_KIT_SERIAL, 0, NULL, NULL);
    REQUIRE(p != NULL && line != NULL);
    CHECK_HAS(lintel_kit_peer_setting(p, "port="), "port=");
    CHECK_HAS(lintel_kit_peer_setting(line, "device="), lintel_kit_peer_line(line));
    CHECK_STR(lintel_kit_peer_line(p), "");
    CHECK_INT(lintel_kit_peer_free(p), 1);
    CHECK_INT(lintel_kit_peer_free(line), 1);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(tcp_script),           KIT(udp_script),
                                            KIT(serial_script),        KIT(other_bytes_are_told),
                                            KIT(what_is_left_is_told), KIT(a_close_is_one),
                                            KIT(settings_name_it),     {0}};
    return kit_main("peer", tests, argc, argv);
}
