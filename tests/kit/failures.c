/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kit/failures.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/kit/kit.h"

enum { ALLOCATIONS_MOST = 100000 };

static uint64_t struck;              /* failures of the run, as counted when memory came back */
static void (*fail_now)(uint64_t n); /* how the run fails, and where */
static uint64_t fail_where;

void
kit_memory_is_back(void)
{
    struck += lintel_mem_failures();
    lintel_mem_fail_at(0);
}

void
kit_memory_fails_from_here(void)
{
    kit_memory_is_back();
    fail_now(fail_where);
}

/* Whether a failure struck. */
static int
run_with(void (*fail)(uint64_t n), uint64_t n, int (*run)(void *ctx), void *ctx)
{
    unsigned failed = CU_get_number_of_failures();
    struck = 0;
    fail_now = fail;
    fail_where = n;
    fail(n);
    int whole = run(ctx);
    kit_memory_is_back();
    if (struck == 0)
        kit_check(whole, "a run without a failure gets what it wanted", __FILE__, __LINE__,
                  __func__);
    if (CU_get_number_of_failures() != failed)
        printf("  with allocation %llu failing%s\n", (unsigned long long)n,
               fail == lintel_mem_fail_once ? " alone" : " and all after it");
    return struck != 0;
}

uint64_t
kit_each_failure(int (*run)(void *ctx), void *ctx)
{
    const char *from = getenv("LINTEL_FAIL_FROM");
    uint64_t n = from != NULL ? strtoull(from, NULL, 10) : 1;
    while (n < ALLOCATIONS_MOST && run_with(lintel_mem_fail_at, n, run, ctx)) {
        run_with(lintel_mem_fail_once, n, run, ctx);
        n++;
    }
    kit_check(n > 1 && n < ALLOCATIONS_MOST, "a run makes allocations, and not too many", __FILE__,
              __LINE__, __func__);
    return n - 1;
}
