/* SPDX-License-Identifier: Apache-2.0
 * For the tests: a mosquitto of our own on a free port of loopback, and its command-line clients as
 * peers. */
#ifndef LINTEL_PLUGINS_MQTT_TESTHOST_H
#define LINTEL_PLUGINS_MQTT_TESTHOST_H
#include <pthread.h>

#include "tests/kit/fakehost.h"

enum { RIG_PASSWORD = 1, RIG_TLS = 2, RIG_CLIENT_CERT = 4 };
struct rig { /* one broker */
    int flags, port, pid;
    int listener; /* of a scripted one */
    unsigned babbles;
    _Atomic int forgets; /* SUBSCRIBEs that a scripted one does not answer */
    pthread_t thread;
    char conf[300], log[300], folder[200];
};
/* Whether the programs are here; says so if not. */
int rig_can(void);
/* 0 with a failed check if it can't be started. With RIG_PASSWORD: user hub, password
 * "s3cret-word"; TLS: ca.pem, hub.pem and hub.key are in folder. */
int rig_broker(struct rig *b, int flags);
void rig_stop(struct rig *b); /* SIGTERM, as an operator would */
void rig_kill(struct rig *b); /* SIGKILL */
int rig_restart(struct rig *b);
/* A broker of our own instead, on a thread, for what mosquitto does not do: it refuses filters that
 * begin with "closed", and with babbles > 0 it says so many nonsensical bytes at first, to each
 * client. */
int rig_scripted(struct rig *b, unsigned babbles);
void rig_scripted_end(struct rig *b);
/* How many lines of its log contain the text. */
int rig_logged(const struct rig *b, const char *text);
/* A hub with the plugin on the broker; settings separated by blanks. fakehost_start() has been
 * called. */
struct fakehost *rig_hub(const struct rig *b, const char *settings);
struct fakehost *rig_hub_without_time(const struct rig *b, const char *settings);
int rig_device(struct fakehost *h, const char *settings);
int rig_point(struct fakehost *h, int device, uint32_t kind, uint32_t flags, const char *address,
              const char *write_address);
/* mosquitto_pub; options: "-r -q 1". n: length of the payload. */
void rig_publish_bytes(const struct rig *b, const char *options, const char *topic, const void *p,
                       size_t n);
void rig_publish(const struct rig *b, const char *options, const char *topic, const char *payload);
/* Many in one connection: a line each is published on the topic. */
void rig_publish_lines(const struct rig *b, const char *topic, const char *lines);
/* mosquitto_sub, already subscribed; each message is a line "QOS RETAIN TOPIC PAYLOAD". */
struct rig_ear {
    int pid, out;
    char kept[4096];
    size_t n;
};
int rig_listen(const struct rig *b, const char *topic, struct rig_ear *ear);
/* Waits for a line that contains the text while the hub's loop runs (h may be NULL); 0: it did not
 * come. */
int rig_heard(struct rig_ear *ear, struct fakehost *h, const char *text);
void rig_deaf(struct rig_ear *ear);
/* Waits until a published sample has this value for this point; returns how many samples came until
 * then, 0: none. */
unsigned rig_wait_value(struct fakehost *h, int point, const char *value);
int rig_wait_device(struct fakehost *h, int device, lintel_status st);
#endif
