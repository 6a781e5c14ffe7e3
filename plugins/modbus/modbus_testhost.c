/* SPDX-License-Identifier: Apache-2.0 */
#include "modbus_testhost.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/kit/kit.h"

extern const lintel_entry lintel_plugin_entry;

const char *const *
rig_words(const char *text)
{
    static char copies[8][512];
    static const char *words[8][32];
    static unsigned turn;
    unsigned at = turn++ % 8, n = 0;
    char *next;
    snprintf(copies[at], sizeof copies[0], "%s", text);
    for (char *p = strtok_r(copies[at], " ", &next); p != NULL && n < 31;
         p = strtok_r(NULL, " ", &next))
        words[at][n++] = p;
    words[at][n] = NULL;
    return words[at];
}

struct fakehost *
rig_new(const char *settings, int fake)
{
    struct fakehost *h = fakehost_new(lintel_plugin_entry.plugins[0], rig_words(settings), !fake);
    if (h != NULL)
        CHECK_INT(fakehost_start(h), LINTEL_OK);
    return h;
}

struct fakehost *
rig_tcp(int port, const char *more, int fake)
{
    char settings[300];
    snprintf(settings, sizeof settings, "host=127.0.0.1 port=%d %s", port, more);
    return rig_new(settings, fake);
}

int
rig_device(struct fakehost *h, const char *settings)
{
    return fakehost_attach(h, "thing", rig_words(settings));
}

int
rig_point(struct fakehost *h, int device, uint32_t wire_bytes, const char *address)
{
    int fixed = strstr(address, "table=input") != NULL || strstr(address, "table=discrete") != NULL;
    uint32_t flags = LINTEL_P_READ | (fixed ? 0u : (uint32_t)LINTEL_P_WRITE);
    return fakehost_bind(h, device, LINTEL_K_PROPERTY, flags, wire_bytes, rig_words(address), NULL);
}

struct fakehost_result *
rig_read(struct fakehost *h, const int *points, uint32_t n, uint32_t batch)
{
    struct fakehost_result *r = fakehost_request(h, FAKEHOST_READ, points, n, NULL, 5000, batch);
    CHECK_INT(r->done, 1);
    CHECK_INT(r->status, LINTEL_OK);
    return r;
}

int
rig_value(struct fakehost *h, int point)
{
    struct fakehost_result *r = rig_read(h, &point, 1, 0);
    const lintel_sample *s = &r->samples[0];
    const uint8_t *p = s->value.as.p;
    int v = s->status;
    if (v == LINTEL_OK && CHECK(s->value.type == LINTEL_T_BYTES && s->value.len == 2))
        v = p[0] << 8 | p[1];
    if (v < 0)
        CHECK(s->detail != NULL && s->detail[0] != '\0');
    fakehost_result_free(r);
    return v;
}

lintel_status
rig_write(struct fakehost *h, int point, lintel_value v)
{
    struct fakehost_result *r = fakehost_request(h, FAKEHOST_WRITE, &point, 1, &v, 5000, 0);
    CHECK_INT(r->done, 1);
    CHECK_INT(r->status, LINTEL_OK);
    lintel_status st = r->samples[0].status;
    CHECK(st != LINTEL_OK || r->samples[0].value.type == LINTEL_T_NULL);
    fakehost_result_free(r);
    return st;
}

lintel_value
rig_bytes(const void *p, uint32_t n)
{
    return (lintel_value){.type = LINTEL_T_BYTES, .len = n, .as.p = p};
}

int
rig_spawn(char *const argv[], int n, char (*lines)[80], int *ret_stdin)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        alarm(60);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    for (int i = 0; i < n; i++) {
        if (pid < 0 || f == NULL || fgets(lines[i], 80, f) == NULL) {
            CHECK(0 && "the program said that it is ready");
            lines[i][0] = '\0';
        }
        lines[i][strcspn(lines[i], "\n")] = '\0';
    }
    if (f != NULL)
        fclose(f);
    *ret_stdin = in[1];
    return pid;
}

void
rig_reap(int pid, int in)
{
    int status = 0;
    close(in);
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
