/* SPDX-License-Identifier: Apache-2.0
 * Things' addresses, in a network namespace of the test's own, through the real kernel. */
#include "plugins/coap/coap_places.h"
#include "plugins/coap/coap_address.h"
#include "plugins/coap/coap_testwire.h"
#include "tests/kit/kit.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const lintel_entry lintel_plugin_entry;

#define PREFIX "fd00:db8:1:2::/64"
enum { OBSERVE = 6, CHECK_AFTER_S = 61 };

static int bare; /* no namespace can be had: only settings can be tested */
static lintel_ticket last;
static struct { /* the last request's */
    uint64_t session;
    uint32_t flags;
    char origin[80], base[80];
} seen;
static uint32_t replies, reply_code;

/* What a thing says is its name. The path "go" removes the thing that is asked. */
static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    char name[64];
    snprintf(name, sizeof name, "%s", x->thing != NULL ? x->thing : "hub");
    last = ticket;
    seen.session = x->session;
    seen.flags = x->flags;
    snprintf(seen.origin, sizeof seen.origin, "%s", x->origin != NULL ? x->origin : "");
    snprintf(seen.base, sizeof seen.base, "%s", x->base);
    testhost_text(t, ticket, LINTEL_CODE(2, 5),
                  (x->flags & LINTEL_X_OBSERVE) ? LINTEL_ANSWER_MORE : 0, name);
    if (x->npath == 1 && x->path[0].n == 2 && memcmp(x->path[0].p, "go", 2) == 0)
        t->transport->thing_removed(t->self, name);
}

static struct testhost *
open_host(const char *interface)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    struct testhost_settings s = {.listen = listen,
                                  .unprotected = true,
                                  .prefix = PREFIX,
                                  .interface = interface,
                                  .more = {{"echo", 1, NULL}}}; /* off: raw clients send no proof */
    struct testhost *t = testhost_new(lintel_plugin_entry.plugins[0], &s, tree, NULL, 0);
    CHECK(t != NULL);
    if (t != NULL)
        CHECK_INT(testhost_start(t), LINTEL_OK);
    return t;
}

static void
add(struct testhost *t, const char *name)
{
    t->transport->thing_added(t->self, &(lintel_thing_info){sizeof(lintel_thing_info), name, ""});
}

static void
turns(struct testhost *t)
{
    for (int i = 0; i < 40; i++)
        testhost_turn(t, 0);
}

/* The address that the tree was told last; false: it has none. */
static bool
address_of(const struct testhost *t, const char *thing, char ret[INET6_ADDRSTRLEN])
{
    size_t n = strlen(thing);
    bool found = false;
    for (const char *p = t->bases; *p != '\0'; p = strchr(p, '\n') + 1) {
        const char *end = strchr(p, '\n'), *from = p + n + sizeof " coap://[" - 1;
        if (strncmp(p, thing, n) != 0 || p[n] != ' ')
            continue;
        found = end[-1] == ']'; /* no port: it is the scheme's own */
        if (found) {
            memcpy(ret, from, (size_t)(end - 1 - from));
            ret[end - 1 - from] = '\0';
        }
    }
    return found;
}

static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
    char command[400];
    va_list ap;
    va_start(ap, format);
    vsnprintf(command, sizeof command, format, ap);
    va_end(ap);
    return system(command);
}

static bool
on_interface(const char *interface, const char *address)
{
    return run("ip -6 addr show dev %s | grep -q 'inet6 %s/128 .*deprecated'", interface,
               address) == 0;
}

static int
count_addresses(void)
{
    char text[20] = "";
    FILE *f = popen("ip -6 addr show | grep -c fd00:db8:1:2", "r");
    if (f == NULL || fgets(text, sizeof text, f) == NULL)
        text[0] = '\0';
    if (f != NULL)
        pclose(f);
    return (int)strtol(text, NULL, 10);
}

/* As a hub that is killed leaves it. */
static void
leave_behind(const char *address)
{
    struct lcoap_addresses a;
    struct in6_addr in6;
    int result = -1;
    CHECK_INT(inet_pton(AF_INET6, address, &in6), 1);
    CHECK_INT(lcoap_addresses_open(&a, "lo"), 0);
    lcoap_addresses_add(&a, &in6, 1, &result);
    CHECK_INT(result, 0);
    lcoap_addresses_close(&a);
}

/* A socket that is not connected: it sees who answers. */
static int
open_client(void)
{
    return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* The kernel makes the route to a new address a moment after the address. */
static void
send_to(int fd, const char *address, const struct wire *w)
{
    struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(5683)};
    ssize_t sent = -1;
    CHECK_INT(inet_pton(AF_INET6, address, &to.sin6_addr), 1);
    for (int i = 0; i < 500 && sent < 0; i++) {
        sent = sendto(fd, w->bytes, w->n, 0, (struct sockaddr *)&to, sizeof to);
        if (sent < 0)
            poll(NULL, 0, 10);
    }
    CHECK_INT(sent, w->n);
}

/* The next message of such a socket, and its source. */
static bool
receive_from(struct testhost *t, int fd, struct wire *w, char from[INET6_ADDRSTRLEN])
{
    for (int i = 0; i < 200; i++) {
        struct sockaddr_in6 a;
        socklen_t n = sizeof a;
        uint8_t byte;
        memset(w, 0, sizeof *w);
        if (recvfrom(fd, &byte, 1, MSG_PEEK, (struct sockaddr *)&a, &n) > 0) {
            inet_ntop(AF_INET6, &a.sin6_addr, from, INET6_ADDRSTRLEN);
            return wire_receive(t, fd, w) != 0;
        }
        testhost_turn(t, 10);
    }
    return false;
}

/* Whether the thing answers with its name, from its address. */
static void
check_asks(struct testhost *t, int fd, const char *address, int mid, const char *name)
{
    char from[INET6_ADDRSTRLEN] = "";
    struct wire w, got = {.n = 0};
    wire_begin(&w, CON, CODE(0, 1), mid, 1);
    send_to(fd, address, &w);
    CHECK(receive_from(t, fd, &got, from));
    CHECK_STR(from, address);
    CHECK_STR(wire_text(&got), name);
}

static void
has_one_for_each_thing(void)
{
    char lamp[INET6_ADDRSTRLEN], meter[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN] = "";
    struct wire w, got;
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    add(t, "meter");
    add(t, "lamp"); /* told twice */
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp) && address_of(t, "meter", meter));
    CHECK(strcmp(lamp, meter) != 0);
    CHECK(on_interface("lo", lamp) && on_interface("lo", meter));
    CHECK_INT(count_addresses(), 2);
    CHECK_HAS(t->log, "2 things have an address of their own in " PREFIX " on lo");
    int fd = open_client();
    check_asks(t, fd, meter, 1, "meter");
    check_asks(t, fd, lamp, 2, "lamp");
    close(fd);
    fd = wire_open(t, 0, AF_INET6);
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_STR(wire_text(&got), "hub");
    close(fd);
    t->transport->thing_removed(t->self, "meter");
    t->transport->thing_removed(t->self, "nobody");
    turns(t);
    CHECK(!address_of(t, "meter", again));
    CHECK(!on_interface("lo", meter) && on_interface("lo", lamp));
    t->transport->thing_removed(t->self, "lamp"); /* as a reload does where a thing changes */
    add(t, "lamp");
    turns(t);
    CHECK(address_of(t, "lamp", again));
    CHECK_STR(again, lamp);
    CHECK_INT(count_addresses(), 1);
    testhost_free(t);
    CHECK_INT(count_addresses(), 0);
}

/* Sends a confirmable notification; it leaves from its thing. Its message id. */
static int
check_notifies(struct testhost *t, int fd, lintel_ticket stream, const char *address,
               const char *text)
{
    char from[INET6_ADDRSTRLEN] = "";
    struct wire got = {.n = 0};
    testhost_text(t, stream, LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE | LINTEL_ANSWER_CONFIRM, text);
    CHECK(receive_from(t, fd, &got, from));
    CHECK_STR(from, address);
    CHECK_STR(wire_text(&got), text);
    CHECK_INT(got.token[0], 0x11);
    CHECK_INT(got.type, CON);
    return got.mid;
}

/* One client port, one token, one message id, two things. */
static void
keeps_things_apart(void)
{
    static const char *const names[] = {"lamp", "meter"};
    char address[2][INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN] = "";
    lintel_ticket streams[2];
    int mids[2] = {0};
    struct wire w, got;
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, names[0]);
    add(t, names[1]);
    turns(t);
    int fd = open_client();
    for (int i = 0; i < 2; i++) {
        REQUIRE(address_of(t, names[i], address[i]));
        wire_begin(&w, CON, CODE(0, 1), 7, 0x11);
        wire_uint(&w, OBSERVE, 0);
        send_to(fd, address[i], &w);
        CHECK(receive_from(t, fd, &got, from));
        CHECK_STR(from, address[i]);
        CHECK_STR(wire_text(&got), names[i]);
        streams[i] = last;
    }
    CHECK(streams[0] != streams[1]);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 2; i++) {
            mids[i] = check_notifies(t, fd, streams[i], address[i], names[i]);
            wire_begin(&w, ACK, 0, mids[i], 0);
            if (round < 2)
                send_to(fd, address[i], &w);
            turns(t);
        }
    /* An acknowledgement to another thing is none: the next notification still waits. */
    if (mids[0] != mids[1]) {
        wire_begin(&w, ACK, 0, mids[1], 0);
        send_to(fd, address[0], &w);
        turns(t);
        testhost_text(t, streams[1], LINTEL_CODE(2, 5), LINTEL_ANSWER_MORE, "waits");
        wire_begin(&w, CON, CODE(0, 1), 90, 0x22);
        send_to(fd, address[1], &w);
        CHECK(receive_from(t, fd, &got, from));
        CHECK_INT(got.token[0], 0x22);
    }
    wire_begin(&w, RST, 0, mids[0], 0); /* ends the one that it was sent to */
    send_to(fd, address[0], &w);
    turns(t);
    CHECK_INT(t->abandoned, 1);
    /* Behind a confirmable one that was not acknowledged. */
    testhost_text(t, streams[1], LINTEL_CODE(4, 4), 0, "gone");
    t->transport->thing_removed(t->self, names[1]);
    CHECK(receive_from(t, fd, &got, from)); /* and does not go with the thing */
    CHECK_STR(from, address[1]);
    CHECK_INT(got.code, CODE(4, 4));
    turns(t);
    CHECK_INT(t->abandoned, 1);
    CHECK_INT(t->open, 0);
    close(fd);
    testhost_free(t);
}

static void
goes_while_it_is_asked(void)
{
    char lamp[INET6_ADDRSTRLEN], meter[INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN];
    struct wire w, got;
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    add(t, "meter");
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp) && address_of(t, "meter", meter));
    int fd = open_client();
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    wire_path(&w, "go");
    send_to(fd, lamp, &w); /* both in one turn */
    send_to(fd, meter, &w);
    CHECK(receive_from(t, fd, &got, from));
    CHECK(receive_from(t, fd, &got, from));
    turns(t);
    CHECK_INT(count_addresses(), 0);
    CHECK(!address_of(t, "lamp", lamp));
    add(t, "lamp");
    turns(t);
    CHECK(address_of(t, "lamp", lamp));
    check_asks(t, fd, lamp, 2, "lamp");
    close(fd);
    testhost_free(t);
}

static void
on_reply(struct testhost *t, lintel_ticket ticket, const lintel_answer *a)
{
    (void)t, (void)ticket;
    replies++;
    reply_code = a->code;
}

/* The short way, which this machine's clients are answered by, says what the long way says. */
static void
answers_shortly_too(void)
{
    static const char *const names[] = {"lamp", "meter"};
    struct sockaddr_in6 from = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    char address[INET6_ADDRSTRLEN], base[100];
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, names[0]);
    add(t, names[1]);
    turns(t);
    int fd = open_client();
    CHECK_INT(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    for (int i = 0; i < 4; i++) {
        t->at_once = i < 2;
        REQUIRE(address_of(t, names[i % 2], address));
        check_asks(t, fd, address, i + 1, names[i % 2]);
        snprintf(base, sizeof base, "coap://[%s]", address);
        CHECK_STR(seen.base, base);
        CHECK_INT(seen.flags, LINTEL_X_LOOPBACK | LINTEL_X_OPEN | (i < 2 ? LINTEL_X_AT_ONCE : 0u));
    }
    close(fd);
    fd = open_client(); /* not of this machine, as far as its address says: limits count for it */
    t->at_once = true;
    check_asks(t, fd, address, 9, names[1]);
    CHECK_INT(seen.flags, LINTEL_X_LIMITED | LINTEL_X_OPEN);
    close(fd);
    testhost_free(t);
}

/* A request of the hub's own to a client of a thing leaves from the thing's address, and ends with
 * it, whether it has an answer or not. Another thing's goes on. */
static void
its_clients_are_asked_until_it_goes(void)
{
    static const char *const names[] = {"lamp", "meter"};
    char address[2][INET6_ADDRSTRLEN], from[INET6_ADDRSTRLEN] = "";
    struct wire got[2], w;
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    t->reply = on_reply;
    replies = 0;
    int fd = open_client();
    for (int i = 0; i < 2; i++) {
        add(t, names[i]);
        turns(t);
        REQUIRE(address_of(t, names[i], address[i]));
        check_asks(t, fd, address[i], 1, names[i]);
        lintel_exchange x = {.size = sizeof x,
                             .method = LINTEL_GET,
                             .format = LINTEL_FORMAT_NONE,
                             .session = seen.session};
        CHECK_INT(t->transport->send(t->self, seen.origin, &x, (lintel_ticket)i + 1), LINTEL_OK);
        if (i == 0) {
            CHECK(receive_from(t, fd, &got[i], from));
            CHECK_STR(from, address[i]);
        }
    }
    t->transport->thing_removed(t->self, names[0]);
    turns(t);
    CHECK_INT(replies, 1);
    CHECK_INT(reply_code, LINTEL_CODE(5, 3));
    CHECK(receive_from(t, fd, &got[1], from)); /* it waited for the first */
    CHECK_STR(from, address[1]);
    wire_begin(&w, ACK, CODE(2, 5), got[1].mid, 0);
    w.bytes[0] = 0x60 | 8;
    memcpy(w.bytes + 4, got[1].token, 8);
    w.n = 12;
    send_to(fd, address[1], &w);
    for (int i = 0; i < 100 && replies == 1; i++)
        testhost_turn(t, 10);
    t->transport->thing_removed(t->self, names[1]); /* before what was answered is cleared away */
    CHECK_INT(reply_code, LINTEL_CODE(2, 5));
    turns(t);
    CHECK_INT(replies, 2);
    close(fd);
    testhost_free(t);
}

/* One that is wanted again, one that is not; and two that are not ours. */
static void
clears_up_after_a_kill(void)
{
    char lamp[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN] = "";
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp));
    testhost_free(t);
    leave_behind(lamp);
    leave_behind("fd00:db8:1:2::dead");
    leave_behind("fd00:db8:1:3::dead");
    CHECK_INT(run("ip -6 addr add fd00:db8:1:2::5/128 dev lo nodad preferred_lft 0 noprefixroute"),
              0);
    t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    turns(t);
    CHECK(address_of(t, "lamp", again));
    CHECK_STR(again, lamp);
    CHECK(on_interface("lo", lamp));
    CHECK(!on_interface("lo", "fd00:db8:1:2::dead"));
    CHECK(on_interface("lo", "fd00:db8:1:3::dead"));
    CHECK(on_interface("lo", "fd00:db8:1:2::5"));
    testhost_free(t);
    CHECK(!on_interface("lo", lamp));
    CHECK_INT(run("ip -6 addr del fd00:db8:1:2::5/128 dev lo"), 0);
    CHECK_INT(run("ip -6 addr del fd00:db8:1:3::dead/128 dev lo"), 0);
}

/* A reload may change a thing while others still wait for theirs: it comes back to its own. */
static void
comes_back_to_its_own(void)
{
    enum { MANY = 200 }; /* more than one portion */
    char lamp[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN] = "", name[20];
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp));
    testhost_free(t);
    leave_behind(lamp);
    t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "thing-%d", i);
        add(t, name);
    }
    testhost_turn(t, 0); /* the first portion */
    CHECK(on_interface("lo", lamp));
    CHECK(count_addresses() < MANY);
    t->transport->thing_removed(t->self, "lamp");
    add(t, "lamp");
    turns(t);
    CHECK(address_of(t, "lamp", again));
    CHECK_STR(again, lamp);
    CHECK_INT(count_addresses(), MANY + 1);
    testhost_free(t);
    CHECK_INT(count_addresses(), 0);
}

static void
takes_the_next_one(void)
{
    char lamp[INET6_ADDRSTRLEN], next[2][INET6_ADDRSTRLEN] = {"", ""};
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp));
    testhost_free(t);
    CHECK_INT(run("ip -6 addr add %s/128 dev lo", lamp), 0); /* somebody else's */
    for (int i = 0; i < 2; i++) {
        t = open_host(NULL);
        REQUIRE(t != NULL);
        add(t, "lamp");
        turns(t);
        CHECK(address_of(t, "lamp", next[i]));
        CHECK(strcmp(lamp, next[i]) != 0);
        testhost_free(t);
    }
    CHECK_STR(next[1], next[0]);
    CHECK_INT(run("ip -6 addr del %s/128 dev lo", lamp), 0); /* it is still there */
}

static void
comes_back(void)
{
    static const char make[] =
        "{ ip link add things0 type dummy || ip link add things0 type veth peer name things1; } "
        "2>/dev/null && ip link set things0 up";
    char lamp[INET6_ADDRSTRLEN];
    if (bare)
        return;
    struct testhost *t = open_host("things0"); /* not there yet */
    REQUIRE(t != NULL);
    add(t, "lamp");
    turns(t);
    CHECK(!address_of(t, "lamp", lamp));
    CHECK_HAS(t->log, "there is no interface things0 (ip link add things0 type dummy");
    if (run("%s", make) != 0) {
        printf("skipped: this kernel has neither dummy interfaces nor veth\n");
        testhost_free(t);
        return;
    }
    t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
    turns(t);
    REQUIRE(address_of(t, "lamp", lamp));
    CHECK(on_interface("things0", lamp));
    CHECK_INT(run("ip -6 addr del %s/128 dev things0", lamp), 0);
    t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
    turns(t);
    CHECK(on_interface("things0", lamp));
    CHECK_INT(run("ip link del things0"), 0);
    t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
    turns(t);
    char none[INET6_ADDRSTRLEN];
    CHECK(!address_of(t, "lamp", none)); /* nobody is sent there */
    CHECK_INT(run("%s", make), 0);
    t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
    turns(t);
    CHECK(address_of(t, "lamp", none));
    CHECK_STR(none, lamp);
    CHECK_INT(run("ip link del things0 && %s", make), 0);
    t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
    turns(t);
    CHECK(on_interface("things0", lamp));
    int fd = open_client();
    check_asks(t, fd, lamp, 1, "lamp");
    close(fd);
    testhost_free(t);
    CHECK_INT(run("ip link del things0"), 0);
}

/* What can't have one does not fill the log. */
static void
complains_once(void)
{
    enum { SOME = 20 };
    char name[700], lamp[INET6_ADDRSTRLEN];
    uint32_t times = 0;
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    for (int i = 0; i < SOME; i++) {
        memset(name, 'a', sizeof name);
        snprintf(name + 600, 12, "%d", i);
        add(t, name);
    }
    turns(t);
    for (const char *p = t->log; (p = strstr(p, "gets no address")) != NULL; p++)
        times++;
    CHECK_INT(times, 8);
    for (int i = 0; i < 4; i++) {
        t->ahead += CHECK_AFTER_S * LCOAP_SECOND;
        turns(t);
    }
    times = 0;
    for (const char *p = t->log; (p = strstr(p, "gets no address")) != NULL; p++)
        times++;
    CHECK_INT(times, SOME);
    CHECK(address_of(t, "lamp", lamp));
    testhost_free(t);
}

/* Switches CAP_NET_ADMIN off or on again. */
static bool
may_administer(bool on)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) != 0)
        return false;
    data[0].effective =
        on ? data[0].permitted : data[0].effective & ~(UINT32_C(1) << CAP_NET_ADMIN);
    return syscall(SYS_capset, &head, data) == 0;
}

static void
serves_without_the_right(void)
{
    char lamp[INET6_ADDRSTRLEN];
    struct wire w, got;
    if (bare)
        return;
    REQUIRE(may_administer(false));
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    add(t, "lamp");
    add(t, "meter");
    turns(t);
    add(t, "later");
    turns(t);
    CHECK(!address_of(t, "lamp", lamp));
    CHECK_HAS(t->log, "AmbientCapabilities=CAP_NET_ADMIN");
    CHECK_HAS(t->log, PREFIX " routed to this machine");
    const char *first = strstr(t->log, "AmbientCapabilities");
    CHECK(first != NULL && strstr(first + 1, "AmbientCapabilities") == NULL); /* said once */
    int fd = wire_open(t, 0, AF_INET6);
    wire_begin(&w, CON, CODE(0, 1), 1, 1);
    CHECK(wire_ask(t, fd, &w, &got));
    CHECK_STR(wire_text(&got), "hub");
    close(fd);
    testhost_free(t);
    CHECK(may_administer(true));
    CHECK_INT(count_addresses(), 0);
}

static void
says_where_files_are_few(void)
{
    enum { SOME = 40 };
    char name[20];
    struct rlimit before, few;
    if (bare)
        return;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = LCOAP_PLACE_KEPT_FILES + 17;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    struct testhost *t = open_host(NULL);
    if (t != NULL) {
        for (int i = 0; i < SOME; i++) {
            snprintf(name, sizeof name, "thing-%d", i);
            add(t, name);
        }
        turns(t);
        CHECK_INT(count_addresses(), 16);
        CHECK_HAS(t->log, "24 things get no address of their own");
        CHECK_HAS(t->log, "LimitNOFILE=");
        testhost_free(t);
    }
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_INT(count_addresses(), 0);
}

static void
holds_many(void)
{
    enum { MANY = 150 }; /* in several contexts */
    char name[20], address[INET6_ADDRSTRLEN];
    if (bare)
        return;
    struct testhost *t = open_host(NULL);
    REQUIRE(t != NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "thing-%d", i);
        add(t, name);
    }
    turns(t);
    CHECK_INT(count_addresses(), MANY);
    for (int i = 0; i < MANY; i += 3) {
        snprintf(name, sizeof name, "thing-%d", i);
        t->transport->thing_removed(t->self, name);
    }
    turns(t);
    CHECK_INT(count_addresses(), MANY - MANY / 3);
    int fd = open_client();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "thing-%d", i);
        CHECK_INT(address_of(t, name, address), i % 3 != 0);
        if (i % 3 != 0)
            check_asks(t, fd, address, i, name);
    }
    close(fd);
    testhost_free(t);
    CHECK_INT(count_addresses(), 0);
}

static void
judges_settings(void)
{
    static const char *const listen[] = {"coap://[::1]:0", NULL};
    static const struct {
        const char *prefix, *interface, *says;
        bool unprotected;
    } bad[] = {
        {PREFIX, NULL, "write `unprotected: yes` beside it", false},
        {"fd00::/65", NULL, "longer than /64", true},
        {PREFIX, "a-name-that-is-too-long", "no name of a network interface", true},
        {PREFIX, "a/b", "no name of a network interface", true},
    };
    char log[1000];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct testhost_settings s = {.listen = listen,
                                      .unprotected = bad[i].unprotected,
                                      .prefix = bad[i].prefix,
                                      .interface = bad[i].interface};
        struct testhost *t =
            testhost_new(lintel_plugin_entry.plugins[0], &s, tree, log, sizeof log);
        CHECK(t == NULL);
        CHECK_HAS(log, bad[i].says);
        if (t != NULL)
            testhost_free(t);
    }
}

/* A network namespace with nothing but a loopback interface. */
static bool
leave_home(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    if (fd >= 0)
        close(fd);
    return ok && run("ip -V >/dev/null 2>&1") == 0;
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(has_one_for_each_thing),
                                            KIT(keeps_things_apart),
                                            KIT(goes_while_it_is_asked),
                                            KIT(its_clients_are_asked_until_it_goes),
                                            KIT(answers_shortly_too),
                                            KIT(comes_back_to_its_own),
                                            KIT(clears_up_after_a_kill),
                                            KIT(takes_the_next_one),
                                            KIT(comes_back),
                                            KIT(complains_once),
                                            KIT(serves_without_the_right),
                                            KIT(says_where_files_are_few),
                                            KIT(holds_many),
                                            KIT(judges_settings),
                                            {0}};
    bare = !leave_home();
    if (bare)
        printf("skipped but for the settings: no network namespace, or no ip\n");
    return kit_main("coap places", tests, argc, argv);
}
