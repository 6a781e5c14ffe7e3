/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mqtt/mqtt_testhost.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/kit/kit.h"

extern const lintel_entry lintel_plugin_entry;
enum { PATIENCE_MS = 10000, STEP_MS = 5, WORDS_MOST = 40 };
static const char PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct words {
    char text[2048];
    const char *w[WORDS_MOST + 1];
    int n;
};

static void
add_word(struct words *w, const char *word)
{
    if (w->n < WORDS_MOST)
        w->w[w->n++] = word;
    w->w[w->n] = NULL;
}

/* Splits at blanks; what is in *w stays. */
static void
add_words(struct words *w, const char *text)
{
    char *next;
    snprintf(w->text, sizeof w->text, "%s", text);
    for (char *p = strtok_r(w->text, " ", &next); p != NULL; p = strtok_r(NULL, " ", &next))
        add_word(w, p);
}

/* Its standard input and output, where wanted. */
static int
spawn(const struct words *w, int *ret_in, int *ret_out)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    if ((ret_in != NULL && pipe2(in, O_CLOEXEC) != 0) ||
        (ret_out != NULL && pipe2(out, O_CLOEXEC) != 0))
        abort();
    fflush(stdout);
    int pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(ret_in != NULL ? in[0] : null, STDIN_FILENO);
        dup2(ret_out != NULL ? out[1] : null, STDOUT_FILENO);
        if (getenv("RIG_LOUD") == NULL)
            dup2(null, STDERR_FILENO);
        execvp(w->w[0], (char *const *)(uintptr_t)w->w);
        _exit(127);
    }
    if (ret_in != NULL) {
        close(in[0]);
        *ret_in = in[1];
    }
    if (ret_out != NULL) {
        close(out[1]);
        *ret_out = out[0];
    }
    return pid;
}

static int
ended_well(int pid)
{
    int status = -1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static int
run(const char *command)
{
    struct words w = {.n = 0};
    add_words(&w, command);
    return ended_well(spawn(&w, NULL, NULL));
}

static void
pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000 * 1000}, NULL);
}

int
rig_can(void)
{
    setenv("PATH", PATH, 1);
    int can = run("mosquitto -h") || run("which mosquitto");
    if (!can || !run("which mosquitto_sub") || !run("which openssl")) {
        printf("skipped: mosquitto, mosquitto-clients or openssl is not installed\n");
        return 0;
    }
    return 1;
}

/* ---- the broker ---- */

static int
free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&a, n) != 0 ||
        getsockname(s, (struct sockaddr *)&a, &n) != 0)
        abort();
    close(s);
    return ntohs(a.sin_port);
}

static int
answers(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok = s >= 0 && connect(s, (struct sockaddr *)&a, sizeof a) == 0;
    if (s >= 0)
        close(s);
    return ok;
}

/* A CA, and certificates of it for the broker ("localhost", 127.0.0.1) and the hub. */
static int
make_certificates(const char *folder)
{
    static const char *const steps[] = {
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=test-ca "
        "-keyout %1$s/ca.key -out %1$s/ca.pem",
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
        "-keyout %1$s/broker.key -out %1$s/broker.csr",
        "openssl x509 -req -in %1$s/broker.csr -CA %1$s/ca.pem -CAkey %1$s/ca.key -CAcreateserial "
        "-days 2 "
        "-extfile %1$s/names -out %1$s/broker.pem",
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=hub "
        "-keyout %1$s/hub.key -out %1$s/hub.csr",
        "openssl x509 -req -in %1$s/hub.csr -CA %1$s/ca.pem -CAkey %1$s/ca.key -CAcreateserial "
        "-days 2 "
        "-out %1$s/hub.pem",
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=other-ca "
        "-keyout %1$s/other.key -out %1$s/other.pem",
    };
    char command[1500];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(command, sizeof command, steps[i], folder);
#pragma GCC diagnostic pop
        if (!run(command))
            return 0;
    }
    return 1;
}

int
rig_restart(struct rig *b)
{
    struct words w = {.n = 0};
    add_word(&w, "mosquitto");
    add_word(&w, "-c");
    add_word(&w, b->conf);
    b->pid = spawn(&w, NULL, NULL);
    for (int ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
        if (answers(b->port))
            return 1;
        if (waitpid(b->pid, NULL, WNOHANG) != 0)
            return 0; /* somebody else has taken the port, or the file is wrong */
        pause_a_little();
    }
    return 0;
}

static void
write_conf(struct rig *b, const char *name)
{
    char text[2000], file[64];
    const struct passwd *me = getpwuid(getuid());
    const char *f = b->folder;
    int n = snprintf(
        text, sizeof text,
        "listener %d 127.0.0.1\nuser %s\npersistence false\nlog_dest file %s\nlog_type all\n"
        "connection_messages true\nmax_queued_messages 0\nallow_anonymous %s\n",
        b->port, me ? me->pw_name : "nobody", b->log, b->flags & RIG_PASSWORD ? "false" : "true");
    if (b->flags & RIG_PASSWORD)
        n += snprintf(text + n, sizeof text - (size_t)n, "password_file %s/users\n", f);
    if (b->flags & RIG_TLS)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "cafile %s/ca.pem\ncertfile %s/broker.pem\nkeyfile %s/broker.key\n", f, f, f);
    if (b->flags & RIG_CLIENT_CERT)
        snprintf(text + n, sizeof text - (size_t)n, "require_certificate true\n");
    snprintf(file, sizeof file, "%s/mosquitto.conf", name);
    snprintf(b->conf, sizeof b->conf, "%s", kit_write(file, text));
}

int
rig_broker(struct rig *b, int flags)
{
    static int brokers;
    char name[32], file[64], users[300];
    *b = (struct rig){.flags = flags};
    snprintf(name, sizeof name, "broker%d", ++brokers);
    snprintf(file, sizeof file, "%s/names", name);
    kit_write(file, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    snprintf(b->folder, sizeof b->folder, "%s/%s", kit_folder(), name);
    snprintf(b->log, sizeof b->log, "%s/log", b->folder);
    if (flags & RIG_PASSWORD) {
        snprintf(file, sizeof file, "%s/users", name);
        kit_write(file, "hub:s3cret-word\n");
        snprintf(users, sizeof users, "mosquitto_passwd -U %s/users", b->folder);
        if (!CHECK(run(users)))
            return 0;
    }
    if (flags & RIG_TLS && !CHECK(make_certificates(b->folder)))
        return 0;
    for (int tries = 0; tries < 5; tries++) {
        b->port = free_port();
        write_conf(b, name);
        if (rig_restart(b))
            return 1;
    }
    return CHECK(0 && "the broker starts");
}

static void
end(struct rig *b, int signum)
{
    if (b->pid > 0) {
        kill(b->pid, signum);
        waitpid(b->pid, NULL, 0);
    }
    b->pid = 0;
}

void
rig_stop(struct rig *b)
{
    end(b, SIGTERM);
}

void
rig_kill(struct rig *b)
{
    end(b, SIGKILL);
}

int
rig_logged(const struct rig *b, const char *text)
{
    char line[1024];
    int n = 0;
    FILE *f = fopen(b->log, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        n += strstr(line, text) != NULL;
    if (f != NULL)
        fclose(f);
    return n;
}

/* ---- a scripted broker ---- */

static int
take_bytes(int s, unsigned char *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(s, p, n, 0);
        if (got <= 0)
            return 0;
        p += got;
        n -= (size_t)got;
    }
    return 1;
}

/* One packet's type; 0 at the end. Its body is cut to `room`, which is enough here. */
static int
take_packet(int s, unsigned char *body, size_t room, size_t *ret_n)
{
    unsigned char head, byte;
    size_t n = 0;
    int shift = 0;
    if (!take_bytes(s, &head, 1))
        return 0;
    do {
        if (!take_bytes(s, &byte, 1))
            return 0;
        n |= (size_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128 && shift < 28);
    *ret_n = n;
    return n <= room && take_bytes(s, body, n) ? head >> 4 : 0;
}

static void
answer_subscribe(int s, const unsigned char *body, size_t n)
{
    unsigned char answer[130] = {0x90, 2, body[0], body[1]};
    size_t filters = 0;
    for (size_t at = 2; at + 3 <= n && filters < 100; filters++) {
        size_t length = (size_t)body[at] << 8 | body[at + 1];
        answer[4 + filters] = length >= 6 && memcmp(body + at + 2, "closed", 6) == 0 ? 0x80 : 0;
        at += 3 + length;
    }
    answer[1] = (unsigned char)(2 + filters);
    send(s, answer, 4 + filters, MSG_NOSIGNAL);
}

static void
serve(struct rig *b, int s)
{
    static const unsigned char connack[] = {0x20, 2, 0, 0};
    unsigned char body[4096], babble;
    size_t n;
    for (unsigned i = 0; i < b->babbles; i++) {
        babble = (unsigned char)kit_random();
        send(s, &babble, 1, MSG_NOSIGNAL);
    }
    for (int type; (type = take_packet(s, body, sizeof body, &n)) != 0;) {
        if (type == 1)
            send(s, connack, sizeof connack, MSG_NOSIGNAL);
        else if (type == 8 && n > 2 && b->forgets-- <= 0)
            answer_subscribe(s, body, n);
    }
}

static void *
scripted(void *ctx)
{
    struct rig *b = ctx;
    for (int s; (s = accept(b->listener, NULL, NULL)) >= 0; close(s))
        serve(b, s);
    return NULL;
}

int
rig_scripted(struct rig *b, unsigned babbles)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    *b = (struct rig){.babbles = babbles,
                      .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!CHECK(b->listener >= 0 && bind(b->listener, (struct sockaddr *)&a, n) == 0 &&
               listen(b->listener, 8) == 0 &&
               getsockname(b->listener, (struct sockaddr *)&a, &n) == 0))
        return 0;
    b->port = ntohs(a.sin_port);
    return CHECK(pthread_create(&b->thread, NULL, scripted, b) == 0);
}

void
rig_scripted_end(struct rig *b)
{
    shutdown(b->listener, SHUT_RDWR);
    pthread_join(b->thread, NULL);
    close(b->listener);
}

/* ---- the hub ---- */

static struct fakehost *
hub(const struct rig *b, const char *settings, int real_time)
{
    struct words w = {.n = 0};
    char broker[80];
    snprintf(broker, sizeof broker, "broker=%s://127.0.0.1:%d",
             b->flags & RIG_TLS ? "mqtts" : "mqtt", b->port);
    add_word(&w, broker);
    add_words(&w, settings);
    struct fakehost *h = fakehost_new(lintel_plugin_entry.plugins[0], w.w, real_time);
    if (h != NULL)
        CHECK_INT(fakehost_start(h), LINTEL_OK);
    return h;
}

struct fakehost *
rig_hub(const struct rig *b, const char *settings)
{
    return hub(b, settings, 1);
}

struct fakehost *
rig_hub_without_time(const struct rig *b, const char *settings)
{
    return hub(b, settings, 0);
}

int
rig_device(struct fakehost *h, const char *settings)
{
    struct words w = {.n = 0};
    add_words(&w, settings);
    return fakehost_attach(h, "thing", w.w);
}

int
rig_point(struct fakehost *h, int device, uint32_t kind, uint32_t flags, const char *address,
          const char *write_address)
{
    struct words r = {.n = 0}, w = {.n = 0};
    add_words(&r, address);
    add_words(&w, write_address ? write_address : "");
    return fakehost_bind(h, device, kind, flags, 0, r.w, write_address ? w.w : NULL);
}

unsigned
rig_wait_value(struct fakehost *h, int point, const char *value)
{
    unsigned came = 0;
    for (int ms = 0; ms < PATIENCE_MS; ms += 100) {
        struct fakehost_result *r = fakehost_published(h, 1, 100);
        int found = 0;
        for (uint32_t i = 0; i < r->n; i++) {
            const lintel_value *v = &r->samples[i].value;
            came++;
            found |= (int)r->samples[i].point == point && r->samples[i].status == LINTEL_OK &&
                     v->type == LINTEL_T_BYTES && v->len == strlen(value) &&
                     memcmp(v->as.p, value, v->len) == 0;
        }
        fakehost_result_free(r);
        if (found)
            return came;
    }
    return 0;
}

int
rig_wait_device(struct fakehost *h, int device, lintel_status st)
{
    for (int ms = 0; ms < PATIENCE_MS && fakehost_device_status(h, device) != st; ms += 20)
        fakehost_result_free(fakehost_published(h, UINT32_MAX, 20));
    return fakehost_device_status(h, device) == st;
}

/* ---- peers ---- */

static void
peer_words(const struct rig *b, struct words *w, const char *program, const char *options,
           char numbers[16])
{
    static char ca[320];
    snprintf(numbers, 16, "%d", b->port);
    add_word(w, program);
    add_words(w, options);
    add_word(w, "-h");
    add_word(w, "127.0.0.1");
    add_word(w, "-p");
    add_word(w, numbers);
    if (b->flags & RIG_PASSWORD) {
        add_word(w, "-u");
        add_word(w, "hub");
        add_word(w, "-P");
        add_word(w, "s3cret-word");
    }
    if (b->flags & RIG_TLS) {
        snprintf(ca, sizeof ca, "%s/ca.pem", b->folder);
        add_word(w, "--cafile");
        add_word(w, ca);
    }
}

static void
feed(const struct words *w, const char *p, size_t n)
{
    int in, pid = spawn(w, &in, NULL);
    while (n > 0) {
        ssize_t wrote = write(in, p, n);
        if (wrote <= 0)
            break;
        p += wrote;
        n -= (size_t)wrote;
    }
    close(in);
    CHECK(ended_well(pid));
}

void
rig_publish_bytes(const struct rig *b, const char *options, const char *topic, const void *p,
                  size_t n)
{
    struct words w = {.n = 0};
    char port[16];
    peer_words(b, &w, "mosquitto_pub", options, port);
    add_word(&w, "-t");
    add_word(&w, topic);
    add_word(&w, n == 0 ? "-n" : "-s");
    feed(&w, p, n);
}

void
rig_publish(const struct rig *b, const char *options, const char *topic, const char *payload)
{
    rig_publish_bytes(b, options, topic, payload, strlen(payload));
}

void
rig_publish_lines(const struct rig *b, const char *topic, const char *lines)
{
    struct words w = {.n = 0};
    char port[16];
    peer_words(b, &w, "mosquitto_pub", "-l", port);
    add_word(&w, "-t");
    add_word(&w, topic);
    feed(&w, lines, strlen(lines));
}

/* Reads on; 0: nothing more within ms. */
static int
listen_on(struct rig_ear *e, int ms)
{
    struct pollfd p = {.fd = e->out, .events = POLLIN};
    if (poll(&p, 1, ms) <= 0)
        return 0;
    if (e->n > sizeof e->kept / 2) { /* the older half is forgotten */
        memmove(e->kept, e->kept + e->n / 2, e->n - e->n / 2);
        e->n -= e->n / 2;
    }
    ssize_t n = read(e->out, e->kept + e->n, sizeof e->kept - 1 - e->n);
    e->n += n > 0 ? (size_t)n : 0;
    e->kept[e->n] = '\0';
    return n > 0;
}

int
rig_heard(struct rig_ear *e, struct fakehost *h, const char *text)
{
    for (int ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
        char *at = strstr(e->kept, text);
        if (at != NULL) { /* heard once: what comes before it is done with */
            size_t done = (size_t)(at - e->kept) + strlen(text);
            memmove(e->kept, e->kept + done, e->n - done + 1);
            e->n -= done;
            return 1;
        }
        if (h != NULL)
            fakehost_wait_link(h, LINTEL_E_BUSY, STEP_MS); /* no such link: only the loop turns */
        listen_on(e, h != NULL ? 0 : STEP_MS);
    }
    return 0;
}

int
rig_listen(const struct rig *b, const char *topic, struct rig_ear *e)
{
    struct words w = {.n = 0};
    char port[16];
    *e = (struct rig_ear){.pid = 0};
    /* stdbuf: its standard output is no terminal here. */
    peer_words(b, &w, "stdbuf", "-oL mosquitto_sub -d -q 2", port);
    add_word(&w, "-F");
    add_word(&w, "%q %r %t %p");
    add_word(&w, "-t");
    add_word(&w, topic);
    e->pid = spawn(&w, NULL, &e->out);
    return CHECK(rig_heard(e, NULL, "Subscribed"));
}

void
rig_deaf(struct rig_ear *e)
{
    kill(e->pid, SIGTERM);
    waitpid(e->pid, NULL, 0);
    close(e->out);
}
