/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/text.h"

void
lintel_report_fini(struct lintel_report *r)
{
    for (uint32_t i = 0; i < r->n; i++) {
        lintel_free(r->problems[i].file);
        lintel_free(r->problems[i].text);
    }
    lintel_free(r->problems);
    *r = (struct lintel_report){0};
}

static void __attribute__((format(printf, 4, 0)))
add(struct lintel_report *r, enum lintel_severity severity, struct lintel_place at,
    const char *format, va_list args)
{
    if (r == NULL)
        return;
    if (severity == LINTEL_PROBLEM_ERROR)
        r->errors++;
    else
        r->warnings++;
    if (r->n == LINTEL_REPORT_MOST)
        return;
    if (r->n == r->room) {
        uint32_t room = r->room ? r->room * 2 : 8;
        struct lintel_problem *more = lintel_grow(r->problems, room, sizeof *more);
        if (more == NULL)
            return;
        r->problems = more;
        r->room = room;
    }
    struct lintel_buf text = {0};
    lintel_buf_addv(&text, format, args);
    (void)lintel_buf_str(&text);
    r->problems[r->n++] = (struct lintel_problem){
        .severity = severity,
        .file = lintel_strdup(at.file ? at.file : ""),
        .line = at.line,
        .column = at.column,
        .text = text.p, /* given away; NULL when memory is out */
    };
}

int
lintel_error(struct lintel_report *r, struct lintel_place at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(r, LINTEL_PROBLEM_ERROR, at, format, args);
    va_end(args);
    return -1;
}

void
lintel_warning(struct lintel_report *r, struct lintel_place at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(r, LINTEL_PROBLEM_WARNING, at, format, args);
    va_end(args);
}

static int
by_place(const void *left, const void *right)
{
    const struct lintel_problem *a = left, *b = right;
    int file = strcmp(a->file ? a->file : "", b->file ? b->file : "");
    if (file != 0)
        return file;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static int
by_place_and_text(const void *left, const void *right)
{
    const struct lintel_problem *a = left, *b = right;
    int place = by_place(left, right);
    return place != 0 ? place : strcmp(a->text ? a->text : "", b->text ? b->text : "");
}

void
lintel_report_sort(struct lintel_report *r)
{
    uint32_t kept = 0;
    if (r->n > 1)
        qsort(r->problems, r->n, sizeof *r->problems, by_place_and_text);
    for (uint32_t i = 0; i < r->n; i++) {
        struct lintel_problem *p = &r->problems[i];
        if (kept == 0 || by_place_and_text(&r->problems[kept - 1], p) != 0) {
            r->problems[kept++] = *p;
            continue;
        }
        *(p->severity == LINTEL_PROBLEM_ERROR ? &r->errors : &r->warnings) -= 1;
        lintel_free(p->file);
        lintel_free(p->text);
    }
    r->n = kept;
}

void
lintel_problem_place(const struct lintel_problem *p, struct lintel_buf *out)
{
    lintel_buf_adds(out, p->file ? p->file : "");
    if (p->line != 0)
        lintel_buf_addf(out, ":%u:%u", p->line, p->column);
}

void
lintel_report_json(const struct lintel_report *r, struct lintel_buf *out)
{
    lintel_buf_addc(out, '[');
    for (uint32_t i = 0; i < r->n; i++) {
        const struct lintel_problem *p = &r->problems[i];
        const char *file = p->file ? p->file : "", *text = p->text ? p->text : "";
        lintel_buf_addf(out, "%s{\"severity\":\"%s\",\"file\":", i ? "," : "",
                        p->severity == LINTEL_PROBLEM_ERROR ? "error" : "warning");
        lintel_buf_add_json_str(out, file, strlen(file));
        lintel_buf_addf(out, ",\"line\":%u,\"column\":%u,\"text\":", p->line, p->column);
        lintel_buf_add_json_str(out, text, strlen(text));
        lintel_buf_addc(out, '}');
    }
    lintel_buf_addc(out, ']');
}

void
lintel_report_log(const struct lintel_report *r, const char *topic)
{
    struct lintel_buf place = {0};
    for (uint32_t i = 0; i < r->n; i++) {
        lintel_buf_reset(&place);
        lintel_problem_place(&r->problems[i], &place);
        lintel_log(r->problems[i].severity == LINTEL_PROBLEM_ERROR ? 0 : 1, topic, "%s: %s",
                   lintel_buf_str(&place), r->problems[i].text ? r->problems[i].text : "");
    }
    lintel_buf_fini(&place);
}
