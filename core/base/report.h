/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with people's files: a list of problems, each with file:line:column and a remedy.
 */
#ifndef LINTEL_BASE_REPORT_H
#define LINTEL_BASE_REPORT_H
#include <stdint.h>

#include "core/base/text.h"

struct lintel_place {      /* where in a file; line 0: the file as a whole */
    const char *file;      /* borrowed: lives as long as the document */
    uint32_t line, column; /* from 1 */
};

enum lintel_severity { LINTEL_PROBLEM_ERROR, LINTEL_PROBLEM_WARNING };

struct lintel_problem {
    enum lintel_severity severity;
    char *file;
    uint32_t line, column;
    char *text;
};

/* Collects problems; the first LINTEL_REPORT_MOST are kept, the others counted. */
enum { LINTEL_REPORT_MOST = 1000 };
struct lintel_report {
    struct lintel_problem *problems;
    uint32_t n, room;
    uint32_t errors, warnings; /* all of them */
};
void lintel_report_fini(struct lintel_report *r);
/* Adds one; r may be NULL. Always returns -1, so that a caller can `return lintel_error(...)`. */
int lintel_error(struct lintel_report *r, struct lintel_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lintel_warning(struct lintel_report *r, struct lintel_place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Sorts by file, line, column; what is told twice (an address that is read and written) is kept
 * once. */
void lintel_report_sort(struct lintel_report *r);
/* "file:line:column" of a problem, without what is not known. */
void lintel_problem_place(const struct lintel_problem *p, struct lintel_buf *out);
/* [{"severity":"error","file":..,"line":..,"column":..,"text":..}, ..] */
void lintel_report_json(const struct lintel_report *r, struct lintel_buf *out);
/* One log line for each. */
void lintel_report_log(const struct lintel_report *r, const char *topic);
#endif
