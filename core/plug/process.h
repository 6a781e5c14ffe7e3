/* SPDX-License-Identifier: Apache-2.0
 * A child and who lives in it: instances of buses (instance.c) and transports (transport_child.c).
 * It tells them of the child's life, hands them their frames, and sees to a cage that is wide
 * enough for all and up to date. Loop's thread. */
#ifndef LINTEL_PLUG_PROCESS_H
#define LINTEL_PLUG_PROCESS_H
#include "core/bind/site.h"
#include "core/plug/child.h"

struct carried;
struct lintel_instance;
struct lintel_plug;
struct process;

/* A child for conf, in which nobody lives yet. NULL: out of memory. */
struct process *process_new(struct lintel_plug *plug, const struct lintel_port *conf);
/* p, or, if it is NULL, the child that the site wants conf in; it is made wide enough. isolation:
 * what that is, for people. NULL: out of memory. */
struct process *process_for(struct lintel_plug *plug, struct process *p,
                            const struct lintel_port *conf, char *isolation, uint32_t size);
void process_add_bus(struct process *p, struct lintel_instance *i);
void process_remove_bus(struct lintel_instance *i);
/* In the child that the site wants it in. -1: out of memory. */
int process_add_transport(struct lintel_plug *plug, const struct lintel_port *conf,
                          struct carried *c, char *isolation, uint32_t size);
void process_remove_transport(struct carried *c);

struct lintel_child *process_child(const struct process *p);
int process_is_shared(const struct process *p);           /* named in the site, `process:NAME` */
struct lintel_supervise *process_life(struct process *p); /* what counts the child's ends */
void process_retry(struct process *p);                    /* now, and its ends are forgotten */

int process_is_left(const struct process *p); /* all who live there are about to stop */
/* Ends the child as a whole if it is left; 1: so it does. Those who live there may be gone then. */
int process_end(struct process *p);
void process_end_left(struct lintel_plug *plug); /* every one that is left */
void process_leave_empty(struct process *p);     /* ends one into which nobody has moved */
void process_kill(struct process *p);            /* and waits; for the end of the program */
#endif
