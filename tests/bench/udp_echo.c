/* SPDX-License-Identifier: Apache-2.0
 * A bare UDP echo, the limit that a server with one system call for each datagram in and out can
 * reach.
 *
 *   udp_echo PORT      on [::1]; 0 takes a free port, which is printed */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int
main(int argc, char **argv)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t n = sizeof a;
    char text[2000];
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    a.sin6_port = htons((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        perror("udp_echo");
        return 1;
    }
    printf("%u\n", ntohs(a.sin6_port));
    fflush(stdout);
    for (;;) {
        n = sizeof a;
        ssize_t got = recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&a, &n);
        if (got >= 0)
            sendto(fd, text, (size_t)got, 0, (struct sockaddr *)&a, n);
    }
}
