/* SPDX-License-Identifier: Apache-2.0
 * Memory: checked sizes, an injectable failure for tests, arenas, object magic. */
#ifndef LINTEL_BASE_MEM_H
#define LINTEL_BASE_MEM_H
#include <stddef.h>
#include <stdint.h>

/* All may return NULL; the caller goes on. Sizes are checked for overflow. Threads: any. */
void *lintel_alloc(size_t size);                   /* zeroed */
void *lintel_alloc_array(size_t n, size_t size);   /* zeroed */
void *lintel_grow(void *p, size_t n, size_t size); /* realloc; new bytes are not zeroed */
char *lintel_strdup(const char *s);
char *lintel_strndup(const char *s, size_t n);
void lintel_free(void *p);

/* Tests: the n-th allocation from now on fails (1 = the next), and all after it; 0 = none fails. */
void lintel_mem_fail_at(uint64_t n);
/* Tests: that one alone fails. Both forget what lintel_mem_failures() has counted. */
void lintel_mem_fail_once(uint64_t n);
uint64_t lintel_mem_failures(void); /* allocations that were made to fail */

/* An arena: many small pieces that are freed together. Failure is sticky: after one failed
 * allocation lintel_arena_failed() is true, so that a builder checks once at its end. */
struct lintel_arena;
struct lintel_arena *lintel_arena_new(void);
void lintel_arena_free(struct lintel_arena *a);                /* NULL is fine */
void *lintel_arena_alloc(struct lintel_arena *a, size_t size); /* zeroed, aligned to 16; NULL */
char *lintel_arena_strndup(struct lintel_arena *a, const char *s, size_t n);
char *lintel_arena_strdup(struct lintel_arena *a, const char *s);
int lintel_arena_failed(const struct lintel_arena *a);
void lintel_arena_fail(struct lintel_arena *a); /* memory beside it that belonged to it was out */
size_t lintel_arena_bytes(const struct lintel_arena *a);

/* Invariants: active in release builds too; never for input, resources or a plugin's behaviour. */
#define LINTEL_ASSERT(cond) ((cond) ? (void)0 : lintel_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void lintel_assert_failed(const char *cond, const char *file, int line);

#define LINTEL_COUNT(a) (sizeof(a) / sizeof *(a))
#endif
