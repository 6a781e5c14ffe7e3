/* SPDX-License-Identifier: Apache-2.0
 * The plugin in a fake hub, with the few calls that its tests repeat. */
#ifndef LINTEL_MODBUS_TESTHOST_H
#define LINTEL_MODBUS_TESTHOST_H
#include "tests/kit/fakehost.h"

/* Started, with settings as "a=1 b=2"; NULL with a failed check. fake: now() stands still. */
struct fakehost *rig_new(const char *settings, int fake);
struct fakehost *rig_tcp(int port, const char *more, int fake);
int rig_device(struct fakehost *h, const char *settings);
/* A property that is read and, where its table allows, written. */
int rig_point(struct fakehost *h, int device, uint32_t wire_bytes, const char *address);
/* Reads points with a batch number; free the result. */
struct fakehost_result *rig_read(struct fakehost *h, const int *points, uint32_t n, uint32_t batch);
/* Reads one point of 2 bytes: its value, or the status (negative). */
int rig_value(struct fakehost *h, int point);
/* Writes one register or bit; the status. */
lintel_status rig_write(struct fakehost *h, int point, lintel_value v);
lintel_value rig_bytes(const void *p, uint32_t n);
/* The settings' text as "a=1", "b=2", NULL; of a small ring of static arrays. */
const char *const *rig_words(const char *text);
/* Starts a program with its stdin a pipe, and reads its first n lines into lines[n][80]. Returns
 * the pid, -1 if that fails; *ret_stdin is to be closed to end it. */
int rig_spawn(char *const argv[], int n, char (*lines)[80], int *ret_stdin);
void rig_reap(int pid, int in);
#endif
