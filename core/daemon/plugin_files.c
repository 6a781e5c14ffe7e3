/* SPDX-License-Identifier: Apache-2.0
 * Whether the files of the plugins that run are still what lies on the disk. Nothing is done about
 * it: status says so. */
#include <string.h>

#include "core/base/mem.h"
#include "core/daemon/hub_priv.h"

#define EVERY INT64_C(5000000000)

struct seen_file {
    char *file;
    uint64_t mark; /* what lies there; 0: nothing */
};

struct look { /* one look at the disk, on a thread */
    struct plugin_files *files;
    uint32_t n;
    struct seen_file at[];
};

struct plugin_files {
    struct lintel_hub *hub;
    struct lintel_timer timer;
    pthread_t thread;
    struct look *looking; /* under way; else NULL */
    struct look *last;    /* what was seen */
};

static void on_timer(void *arg);

static void
look_free(struct look *l)
{
    for (uint32_t i = 0; l != NULL && i < l->n; i++)
        lintel_free(l->at[i].file);
    lintel_free(l);
}

static void
again(struct plugin_files *f)
{
    /* Without memory for it there are no more looks: it is a courtesy. */
    (void)lintel_timer_at(f->hub->loop, &f->timer, lintel_loop_now(f->hub->loop) + EVERY, on_timer,
                          f);
}

static void
has_looked(void *arg)
{
    struct lintel_hub *h = arg;
    struct plugin_files *f = h->files;
    if (f == NULL || f->looking == NULL)
        return;
    pthread_join(f->thread, NULL);
    look_free(f->last);
    f->last = f->looking;
    f->looking = NULL;
    again(f);
}

static void *
look_thread(void *arg)
{
    struct look *l = arg;
    struct lintel_hub *h = l->files->hub;
    for (uint32_t i = 0; i < l->n; i++)
        l->at[i].mark = lintel_load_mark(l->at[i].file);
    while (lintel_loop_post(h->loop, has_looked, h) != 0)
        ; /* out of memory for a few bytes: others will give some back */
    return NULL;
}

static int
has_file(const struct look *l, const char *file)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i].file, file) == 0)
            return 1;
    return 0;
}

/* The files of what runs, each once. NULL: out of memory. */
static struct look *
look_new(struct plugin_files *f)
{
    struct lintel_plug *plug = f->hub->plug;
    uint32_t n = lintel_plug_ninstances(plug);
    struct look *l = lintel_alloc(sizeof *l + n * sizeof l->at[0]);
    for (uint32_t i = 0; l != NULL && i < n; i++) {
        struct lintel_instance_stats s;
        lintel_instance_stats(lintel_plug_at(plug, i), &s);
        if (s.file != NULL && !has_file(l, s.file) &&
            (l->at[l->n].file = lintel_strdup(s.file)) != NULL)
            l->n++;
    }
    if (l != NULL)
        l->files = f;
    return l;
}

static void
on_timer(void *arg)
{
    struct plugin_files *f = arg;
    struct look *l = look_new(f);
    if (l != NULL && pthread_create(&f->thread, NULL, look_thread, l) == 0) {
        f->looking = l;
        return;
    }
    look_free(l);
    again(f);
}

void
hub_files_begin(struct lintel_hub *h)
{
    struct plugin_files *f = lintel_alloc(sizeof *f);
    if (f == NULL)
        return;
    f->hub = h;
    h->files = f;
    again(f);
}

void
hub_files_end(struct lintel_hub *h)
{
    struct plugin_files *f = h->files;
    if (f == NULL)
        return;
    h->files = NULL;
    lintel_timer_stop(h->loop, &f->timer);
    if (f->looking != NULL)
        pthread_join(f->thread, NULL);
    look_free(f->looking);
    look_free(f->last);
    lintel_free(f);
}

int
hub_file_changed(const struct lintel_hub *h, const struct lintel_instance_stats *s)
{
    const struct look *l = h->files != NULL ? h->files->last : NULL;
    for (uint32_t i = 0; l != NULL && i < l->n; i++)
        if (s->file != NULL && strcmp(l->at[i].file, s->file) == 0)
            return s->mark != 0 && l->at[i].mark != 0 && l->at[i].mark != s->mark;
    return 0;
}
