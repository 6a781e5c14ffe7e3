/* SPDX-License-Identifier: Apache-2.0
 * The plugin against programs: the simulator of tests/sim on TCP and on a serial line, and
 * pymodbus, which we did not write. The simulator itself is proved by mbpoll, a client that we did
 * not write either. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "modbus_testhost.h"
#include "tests/kit/kit.h"

enum { LINES_MOST = 4 };
struct sim {
    int pid, in;
    char line[LINES_MOST][80];
};

/* Starts the simulator with arguments as one text; wires: how many "ready" lines. */
static int
sim_start(struct sim *s, const char *args, int wires)
{
    char program[600], copy[1024], *argv[64], *next;
    const char *root = getenv("LINTEL_BUILDDIR");
    int n = 0;
    snprintf(program, sizeof program, "%s/tests/sim/modbus_sim", root ? root : ".");
    snprintf(copy, sizeof copy, "%s", args);
    argv[n++] = program;
    for (char *p = strtok_r(copy, " ", &next); p != NULL && n < 63; p = strtok_r(NULL, " ", &next))
        argv[n++] = p;
    argv[n] = NULL;
    s->pid = rig_spawn(argv, wires, s->line, &s->in);
    for (int i = 0; i < wires; i++)
        if (!kit_check_has(s->line[i], "ready ", "line of the simulator", __FILE__, __LINE__, args))
            return 0;
    return 1;
}

static struct fakehost *
on_tcp(const struct sim *s, const char *more)
{
    return rig_tcp(atoi(s->line[0] + strlen("ready tcp ")), more, 0);
}

static struct fakehost *
on_pty(const struct sim *s, const char *more)
{
    char settings[300];
    snprintf(settings, sizeof settings, "transport=rtu device=%s baud=115200 %s",
             s->line[0] + strlen("ready pty "), more);
    return rig_new(settings, 0);
}

/* ---- the simulator, on TCP ---- */

static void
reads_and_writes_over_tcp(void)
{
    struct sim s;
    REQUIRE(sim_start(&s,
                      "--tcp 0 --unit 1 input:12=f32:308 holding:40=s16:215 coil:3=1 --unit 7 "
                      "holding:0=u32-swap:70000 most=2 holding:2=u16:5*4",
                      1));
    struct fakehost *h = on_tcp(&s, "timeout=5000");
    REQUIRE(h != NULL);
    int d1 = rig_device(h, "unit=1"), d7 = rig_device(h, "unit=7"), d9 = rig_device(h, "unit=9");
    int p[] = {rig_point(h, d1, 4, "table=input address=12"), rig_point(h, d1, 2, "address=40"),
               rig_point(h, d1, 1, "table=coil address=3")};
    int q[] = {rig_point(h, d7, 4, "address=0"), rig_point(h, d7, 2, "address=2"),
               rig_point(h, d7, 2, "address=3"), rig_point(h, d7, 2, "address=4")};
    struct fakehost_result *r = rig_read(h, p, 3, 1);
    CHECK(r->samples[0].status == LINTEL_OK &&
          memcmp(r->samples[0].value.as.p, "\x43\x9a\0\0", 4) == 0);
    CHECK(r->samples[1].status == LINTEL_OK && memcmp(r->samples[1].value.as.p, "\0\xd7", 2) == 0);
    CHECK(r->samples[2].status == LINTEL_OK && r->samples[2].value.as.i == 1);
    fakehost_result_free(r);
    CHECK_INT(rig_write(h, p[1], rig_bytes("\0\xe1", 2)), LINTEL_OK);
    CHECK_INT(rig_value(h, p[1]), 225);
    CHECK_INT(rig_write(h, p[2], (lintel_value){.type = LINTEL_T_BOOL}), LINTEL_OK);
    r = rig_read(h, &p[2], 1, 0);
    CHECK(r->samples[0].status == LINTEL_OK && r->samples[0].value.as.i == 0);
    fakehost_result_free(r);
    /* A device that takes fewer registers at once than its file says. */
    r = rig_read(h, q, 4, 2);
    CHECK(r->samples[0].status == LINTEL_OK &&
          memcmp(r->samples[0].value.as.p, "\x11\x70\0\1", 4) == 0);
    for (int i = 1; i < 4; i++)
        CHECK_INT(r->samples[i].status, LINTEL_OK);
    fakehost_result_free(r);
    CHECK_INT(rig_value(h, rig_point(h, d9, 2, "address=0")),
              LINTEL_E_TIMEOUT); /* says the gateway */
    fakehost_free(h);
    rig_reap(s.pid, s.in);
}

static void
survives_every_fault_over_tcp(void)
{
    static const struct {
        const char *fault;
        lintel_status status;
    } cases[] = {{"dead", LINTEL_E_TIMEOUT},       {"half", LINTEL_E_PROTO},
                 {"wrong-unit", LINTEL_E_PROTO},   {"wrong-tid", LINTEL_E_TIMEOUT},
                 {"late", LINTEL_E_TIMEOUT},       {"close", LINTEL_E_LINK},
                 {"exception:4", LINTEL_E_DEVICE}, {"slow:600", LINTEL_E_TIMEOUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char args[200];
        struct sim s;
        snprintf(args, sizeof args,
                 "--tcp 0 --unit 1 holding:0=u16:11 holding:9=u16:22 fault=%s every=2",
                 cases[i].fault);
        REQUIRE(sim_start(&s, args, 1));
        struct fakehost *h = on_tcp(&s, "timeout=400");
        REQUIRE(h != NULL);
        int d = rig_device(h, ""), p = rig_point(h, d, 2, "address=0"),
            q = rig_point(h, d, 2, "address=9");
        /* A fault at each second request; the other register tells an answer to another request. */
        CHECK_INT(rig_value(h, p), 11);
        CHECK_INT(rig_value(h, q), cases[i].status);
        CHECK_INT(rig_value(h, p), 11);
        fakehost_free(h);
        rig_reap(s.pid, s.in);
    }
}

/* ---- a serial line ---- */

#define LINE                                                                                       \
    "--pty - --unit 1 holding:40=s16:215 --unit 2 input:0=u16:612 --unit 3 holding:0=u16:1 "       \
    "fault=exception:4 --unit 4 holding:0=u16:1 fault=dead"

static void
reads_four_units_on_a_line(void)
{
    struct sim s;
    REQUIRE(sim_start(&s, LINE, 1));
    struct fakehost *h = on_pty(&s, "timeout=400");
    REQUIRE(h != NULL);
    CHECK_INT(fakehost_link(h), LINTEL_OK);
    int pump = rig_point(h, rig_device(h, "unit=1"), 2, "address=40");
    int co2 = rig_point(h, rig_device(h, "unit=2"), 2, "table=input address=0");
    int faulty = rig_point(h, rig_device(h, "unit=3"), 2, "address=0");
    int dead = rig_point(h, rig_device(h, "unit=4"), 2, "address=0");
    for (int round = 0; round < 2; round++) {
        CHECK_INT(rig_value(h, pump), round == 0 ? 215 : 300);
        CHECK_INT(rig_value(h, co2), 612);
        CHECK_INT(rig_value(h, faulty), LINTEL_E_DEVICE);
        CHECK_INT(rig_value(h, dead), LINTEL_E_TIMEOUT);
        CHECK_INT(rig_write(h, pump, rig_bytes("\1\x2c", 2)), LINTEL_OK);
    }
    CHECK_INT(rig_write(h, dead, rig_bytes("\0\0", 2)), LINTEL_E_TIMEOUT);
    /* To all, answered by none. */
    int all = fakehost_bind(h, rig_device(h, "unit=0"), LINTEL_K_PROPERTY, LINTEL_P_WRITE, 2,
                            rig_words("address=40"), NULL);
    CHECK_INT(rig_write(h, all, rig_bytes("\0\5", 2)), LINTEL_OK);
    CHECK_INT(rig_value(h, pump), 5);
    CHECK_INT(fakehost_links(h), 1);
    fakehost_free(h);
    rig_reap(s.pid, s.in);
}

static void
takes_no_late_answer_on_a_line(void)
{
    /* The second request is answered when the third one is there: to the third, two answers come.
     */
    static const char *const faults[] = {"late", "slow:600"};
    for (int i = 0; i < 2; i++) {
        char args[200];
        struct sim s;
        snprintf(args, sizeof args,
                 "--pty - --unit 1 holding:0=u16:11 holding:9=u16:22 fault=%s every=2 --unit 2 "
                 "holding:0=u16:7",
                 faults[i]);
        REQUIRE(sim_start(&s, args, 1));
        struct fakehost *h = on_pty(&s, "timeout=400");
        REQUIRE(h != NULL);
        int d = rig_device(h, ""), p = rig_point(h, d, 2, "address=0"),
            q = rig_point(h, d, 2, "address=9");
        int other = rig_point(h, rig_device(h, "unit=2"), 2, "address=0");
        CHECK_INT(rig_value(h, p), 11);
        CHECK_INT(rig_value(h, q), LINTEL_E_TIMEOUT);
        CHECK_INT(rig_value(h, p), LINTEL_E_PROTO); /* 22 and 11, which of them is not known */
        CHECK_INT(rig_value(h, other), 7);
        fakehost_free(h);
        rig_reap(s.pid, s.in);
    }
}

/* The hub's deadlines may be shorter than the quiet that a unit's first answer needs. */
static void
believes_a_unit_again_under_short_deadlines(void)
{
    struct sim s;
    char settings[200];
    REQUIRE(sim_start(&s, "--pty - --unit 1 holding:0=u16:11 fault=dead every=3", 1));
    snprintf(settings, sizeof settings, "transport=rtu device=%.60s baud=115200 timeout=400",
             s.line[0] + strlen("ready pty "));
    struct fakehost *h = rig_new(settings, 1);
    REQUIRE(h != NULL);
    int p = rig_point(h, rig_device(h, ""), 2, "address=0");
    CHECK_INT(rig_value(h, p), 11);
    CHECK_INT(rig_value(h, p), 11);
    CHECK_INT(rig_value(h, p), LINTEL_E_TIMEOUT);
    struct fakehost_result *r = fakehost_request(h, FAKEHOST_READ, &p, 1, NULL, 300, 0);
    CHECK_INT(r->samples[0].status, LINTEL_E_TIMEOUT);
    CHECK_HAS(r->samples[0].detail, "the deadline is too near");
    fakehost_result_free(r);
    fakehost_advance(h, INT64_C(800000000)); /* a late answer would have come meanwhile */
    r = fakehost_request(h, FAKEHOST_READ, &p, 1, NULL, 300, 0);
    CHECK_INT(r->samples[0].status, LINTEL_OK);
    fakehost_result_free(r);
    fakehost_free(h);
    rig_reap(s.pid, s.in);
}

static void
survives_faults_on_a_line(void)
{
    static const struct {
        const char *fault;
        lintel_status status;
    } cases[] = {{"half", LINTEL_E_TIMEOUT}, {"wrong-unit", LINTEL_E_TIMEOUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char args[200];
        struct sim s;
        snprintf(args, sizeof args, "--pty - --unit 1 holding:0=u16:11 fault=%s every=2",
                 cases[i].fault);
        REQUIRE(sim_start(&s, args, 1));
        struct fakehost *h = on_pty(&s, "timeout=400");
        REQUIRE(h != NULL);
        int p = rig_point(h, rig_device(h, ""), 2, "address=0");
        CHECK_INT(rig_value(h, p), 11);
        CHECK_INT(rig_value(h, p), cases[i].status);
        CHECK_INT(rig_value(h, p), 11);
        fakehost_free(h);
        rig_reap(s.pid, s.in);
    }
}

static void
refuses_a_line_above_descriptor_1023(void)
{
    struct sim s;
    struct rlimit limit, wide;
    int fds[1100], n = 0;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    wide = limit;
    wide.rlim_cur = limit.rlim_max > 2000 ? 2000 : limit.rlim_max;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &wide) == 0);
    REQUIRE(
        sim_start(&s, "--pty - --unit 1 holding:0=u16:11 --tcp 0 --unit 1 holding:0=u16:12", 2));
    do {
        fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fds[n] >= 0 && fds[n] < 1023 && ++n < 1100);
    CHECK_INT(fds[n], 1023);
    struct fakehost *serial = on_pty(&s, ""), *tcp = NULL;
    memcpy(s.line[0], s.line[1], sizeof s.line[0]);
    tcp = on_tcp(&s, "timeout=5000");
    int p = rig_point(serial, rig_device(serial, ""), 2, "address=0");
    struct fakehost_result *r = rig_read(serial, &p, 1, 0);
    CHECK_INT(r->samples[0].status, LINTEL_E_LINK);
    CHECK_HAS(r->samples[0].detail, "too many files open");
    fakehost_result_free(r);
    CHECK_INT(rig_value(tcp, rig_point(tcp, rig_device(tcp, ""), 2, "address=0")), 12);
    fakehost_free(serial);
    fakehost_free(tcp);
    for (; n >= 0; n--)
        close(fds[n]);
    rig_reap(s.pid, s.in);
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- what others wrote ---- */

static void
reads_and_writes_pymodbus(void)
{
    struct sim s;
    char script[600];
    const char *root = getenv("LINTEL_SRCDIR");
    snprintf(script, sizeof script, "%s/plugins/modbus/modbus_pymodbus.py", root ? root : ".");
    char *argv[] = {(char[]){"/usr/bin/python3"}, script, NULL};
    s.pid = rig_spawn(argv, 1, s.line, &s.in);
    if (strcmp(s.line[0], "skip") == 0) {
        printf("skipped: no python3-pymodbus\n");
        rig_reap(s.pid, s.in);
        return;
    }
    struct fakehost *h = on_tcp(&s, "timeout=5000");
    REQUIRE(h != NULL);
    int d1 = rig_device(h, "unit=1"), d2 = rig_device(h, "unit=2"), p[130];
    for (int i = 0; i < 130; i++) {
        char address[40];
        snprintf(address, sizeof address, "table=%s address=%d", i < 65 ? "input" : "holding", i);
        p[i] = rig_point(h, d1, 2, address);
    }
    struct fakehost_result *r = rig_read(h, p, 130, 1);
    for (int i = 0; i < 130; i++)
        CHECK(r->samples[i].status == LINTEL_OK &&
              memcmp(r->samples[i].value.as.p, (uint8_t[]){(uint8_t)(3 * i >> 8), (uint8_t)(3 * i)},
                     2) == 0);
    fakehost_result_free(r);
    int bits[] = {rig_point(h, d1, 1, "table=coil address=6"),
                  rig_point(h, d1, 1, "table=coil address=7"),
                  rig_point(h, d1, 1, "table=discrete address=9")};
    r = rig_read(h, bits, 3, 2);
    CHECK(r->samples[0].status == LINTEL_OK && r->samples[0].value.as.i == 1);
    CHECK(r->samples[1].status == LINTEL_OK && r->samples[1].value.as.i == 0);
    CHECK(r->samples[2].status == LINTEL_OK && r->samples[2].value.as.i == 1);
    fakehost_result_free(r);
    static const char *const writes[] = {"address=20", "address=20 function=16"};
    for (int i = 0; i < 2; i++) {
        int w = rig_point(h, d1, 2, writes[i]);
        CHECK_INT(rig_write(h, w, rig_bytes(i ? "\0\5" : "\1\2", 2)), LINTEL_OK);
        CHECK_INT(rig_value(h, w), i ? 5 : 0x102);
    }
    lintel_value on = {.type = LINTEL_T_BOOL, .as.i = 1};
    CHECK_INT(rig_write(h, bits[1], on), LINTEL_OK);
    CHECK_INT(rig_write(h, rig_point(h, d1, 1, "table=coil address=8 function=15"), on), LINTEL_OK);
    r = rig_read(h, bits, 3, 2);
    CHECK(r->samples[1].status == LINTEL_OK && r->samples[1].value.as.i == 1);
    fakehost_result_free(r);
    /* A block that reaches beyond what there is. */
    int q[] = {rig_point(h, d2, 2, "address=108"), rig_point(h, d2, 2, "address=109"),
               rig_point(h, d2, 2, "address=110")};
    r = rig_read(h, q, 3, 3);
    CHECK_INT(r->samples[0].status, LINTEL_OK);
    CHECK_INT(r->samples[1].status, LINTEL_OK);
    CHECK_INT(r->samples[2].status, LINTEL_E_ADDRESS);
    fakehost_result_free(r);
    fakehost_free(h);
    rig_reap(s.pid, s.in);
}

/* What mbpoll prints; "" with a failed check. */
static const char *
mbpoll(const char *args)
{
    static char text[4096];
    char command[500];
    snprintf(command, sizeof command, "mbpoll -0 -1 -o 5 %s 2>&1", args);
    FILE *f = popen(command, "re");
    size_t n = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = '\0';
    if (f != NULL)
        pclose(f);
    return text;
}

static void
proves_the_simulator_by_mbpoll(void)
{
    struct sim s;
    char args[400];
    if (system("command -v mbpoll >/dev/null") != 0) {
        printf("skipped: no mbpoll\n");
        return;
    }
    REQUIRE(
        sim_start(&s,
                  "--tcp 0 --unit 1 input:12=f32:308 holding:40=u16:215*2 coil:3=1 discrete:2=0 "
                  "--pty - --unit 2 holding:0=u16:77 holding:1=u32-swap:70000",
                  2));
    const char *port = s.line[0] + strlen("ready tcp "), *line = s.line[1] + strlen("ready pty ");
    static const struct {
        const char *args, *more, *has;
    } tcp[] = {{"-t 3:float -B -r 12", "", "[12]: \t308"},
               {"-t 4 -r 40 -c 2", "", "[41]: \t215"},
               {"-t 4 -r 40", "222 333", "Written 2 references"},
               {"-t 4 -r 40 -c 2", "", "[41]: \t333"},
               {"-t 4 -r 41", "444", "Written 1 references"},
               {"-t 4 -r 41", "", "[41]: \t444"},
               {"-t 4 -r 41 -c 2", "", "Illegal data address"},
               {"-t 0 -r 3", "", "[3]: \t1"},
               {"-t 0 -r 3", "0", "Written 1 references"},
               {"-t 0 -r 3", "", "[3]: \t0"},
               {"-t 1 -r 2", "", "[2]: \t0"}};
    for (size_t i = 0; i < sizeof tcp / sizeof *tcp; i++) {
        snprintf(args, sizeof args, "-p %.8s -a 1 %s 127.0.0.1 %s", port, tcp[i].args, tcp[i].more);
        CHECK_HAS(mbpoll(args), tcp[i].has);
    }
    snprintf(args, sizeof args, "-m rtu -b 9600 -P none -a 2 -t 4 -r 0 %.60s", line);
    CHECK_HAS(mbpoll(args), "[0]: \t77");
    snprintf(args, sizeof args, "-m rtu -b 9600 -P none -a 2 -t 4:int -r 1 %.60s", line);
    CHECK_HAS(mbpoll(args), "[1]: \t70000");
    rig_reap(s.pid, s.in);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_and_writes_over_tcp),
                                            KIT(survives_every_fault_over_tcp),
                                            KIT(reads_four_units_on_a_line),
                                            KIT(takes_no_late_answer_on_a_line),
                                            KIT(believes_a_unit_again_under_short_deadlines),
                                            KIT(survives_faults_on_a_line),
                                            KIT(refuses_a_line_above_descriptor_1023),
                                            KIT(reads_and_writes_pymodbus),
                                            KIT(proves_the_simulator_by_mbpoll),
                                            {0}};
    return kit_main("modbus_real", tests, argc, argv);
}
