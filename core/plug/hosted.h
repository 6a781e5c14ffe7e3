/* SPDX-License-Identifier: Apache-2.0
 * The other end of core/plug/child.h: what runs in a lintel-host process. */
#ifndef LINTEL_PLUG_HOSTED_H
#define LINTEL_PLUG_HOSTED_H

/* Says hello on fd and hosts the instances that the hub opens, until the hub closes the connection
 * or the process gets SIGTERM. Returns the exit status. Ends the process if plugins do not stop
 * within 5 s. */
int lintel_hosted_serve(int fd);
#endif
