/* SPDX-License-Identifier: Apache-2.0
 * Why a child dies, where its hub can't see it: a plugin that gets no more memory gives up or
 * crashes by a signal like any other. So the child looks at its own use when such a signal comes.
 */
#ifndef LINTEL_PLUG_LAST_WORD_H
#define LINTEL_PLUG_LAST_WORD_H
/* The child's exit status: its memory limit is used up; memory is out, but not by its doing. */
enum { LINTEL_LAST_WORD_MEMORY = 77, LINTEL_LAST_WORD_STARVED = 78 };
/* For the life of the process; needs /proc now, not later. */
void lintel_last_word_init(void);
/* Ends the process for want of memory, with the status that is right. Any thread. */
void lintel_last_word_give_up(void) __attribute__((noreturn));
#endif
