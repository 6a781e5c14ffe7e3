/* SPDX-License-Identifier: Apache-2.0
 * Why a child dies, where its hub can't see it: a plugin that gets no more memory gives up or
 * crashes by a signal like any other. So the child looks at its own use when such a signal comes.
 */
#ifndef LINTEL_PLUG_LAST_WORD_H
#define LINTEL_PLUG_LAST_WORD_H
enum { LINTEL_LAST_WORD_MEMORY = 77 }; /* the child's exit status: its memory limit is used up */
/* For the life of the process; needs /proc now, not later. */
void lintel_last_word_init(void);
#endif
