/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/plugtest/plugtest.h"

#include <stdio.h>
#include <string.h>

enum { LARGE = 1700, POST_MOST = PT_BODY_MOST };

/* A request under way in one of the handlers below; path is joined by '/'. */
struct asked {
    struct pt *p;
    lintel_ticket t;
    const lintel_exchange *x;
    char path[PT_PATH_MOST];
};

static void
fail(const struct asked *q, uint32_t code)
{
    const char *why = code == LINTEL_CODE(4, 4)    ? "nothing is here"
                      : code == LINTEL_CODE(4, 5)  ? "not with this method"
                      : code == LINTEL_CODE(4, 12) ? "the condition does not hold"
                      : code == LINTEL_CODE(4, 13) ? "the body is too large"
                      : code == LINTEL_CODE(5, 3)  ? "no room; delete something"
                                                   : "";
    pt_fail(q->p, q->t, code, why);
}

static bool
is_get_of(const struct asked *q, const char *path)
{
    if (strcmp(q->path, path) != 0)
        fail(q, LINTEL_CODE(4, 4));
    else if (q->x->method != LINTEL_GET)
        fail(q, LINTEL_CODE(4, 5));
    else
        return true;
    return false;
}

static void
text(const struct asked *q, const char *body)
{
    pt_content(q->p, q->t, q->x, PT_TEXT, body, strlen(body));
}

/* Always there: what DELETE removes is the last PUT. */
static void
on_test(const struct asked *q)
{
    struct pt_item *i;
    if (strcmp(q->path, "test") != 0)
        fail(q, LINTEL_CODE(4, 4));
    else if (q->x->method == LINTEL_POST && q->x->payload.n <= PT_BODY_MOST)
        pt_located(q->p, q->t, LINTEL_CODE(2, 1), "location1/location2/location3", NULL);
    else {
        uint32_t code = pt_store(q->p, q->x, q->path, true, &i);
        if (q->x->method == LINTEL_GET && i != NULL)
            pt_content(q->p, q->t, q->x, i->format, i->body, i->n);
        else if (q->x->method == LINTEL_GET)
            text(q, "This is a test.");
        else if (code >= LINTEL_CODE(4, 0))
            fail(q, code);
        else
            pt_code(q->p, q->t, code == LINTEL_CODE(2, 1) ? LINTEL_CODE(2, 4) : code);
    }
}

/* Whatever clients put below, or at, these names. */
static void
on_stored(const struct asked *q)
{
    struct pt_item *i;
    uint32_t code = pt_store(q->p, q->x, q->path, true, &i);
    if (code == 0)
        pt_content(q->p, q->t, q->x, i->format, i->body, i->n);
    else if (code >= LINTEL_CODE(4, 0))
        fail(q, code);
    else if (q->x->method == LINTEL_POST)
        pt_located(q->p, q->t, code, q->path, NULL);
    else
        pt_code(q->p, q->t, code);
}

static void
on_seg(const struct asked *q)
{
    if (is_get_of(q, "seg1/seg2/seg3"))
        text(q, "seg1, seg2, seg3");
}

static void
on_location(const struct asked *q)
{
    if (is_get_of(q, "location1/location2/location3"))
        text(q, "made by POST to /test");
}

/* Shows the query, or by FETCH the payload. */
static void
on_query(const struct asked *q)
{
    char body[512];
    size_t n = 0;
    if (q->x->method == LINTEL_FETCH && strcmp(q->path, "query") == 0) {
        if (q->x->format != PT_TEXT)
            pt_fail(q->p, q->t, LINTEL_CODE(4, 15), "send Content-Format 0");
        else
            pt_content(q->p, q->t, q->x, PT_TEXT, q->x->payload.p, q->x->payload.n);
        return;
    }
    if (!is_get_of(q, "query"))
        return;
    for (uint32_t i = 0; i < q->x->nquery; i++) {
        lintel_span s = q->x->query[i];
        if (s.n + 2 > sizeof body - n)
            break;
        body[n++] = i == 0 ? '?' : '&';
        if (s.n > 0)
            memcpy(body + n, s.p, s.n);
        n += s.n;
    }
    if (n == 0)
        text(q, "no query");
    else
        pt_content(q->p, q->t, q->x, PT_TEXT, body, n);
}

static void
on_large(const struct asked *q)
{
    char body[LARGE];
    if (!is_get_of(q, "large"))
        return;
    pt_fill(body, sizeof body, "large");
    pt_content(q->p, q->t, q->x, PT_TEXT, body, sizeof body);
}

static void
on_large_update(const struct asked *q)
{
    char body[LARGE];
    if (q->x->method == LINTEL_GET && pt_item_find(q->p, q->path) == NULL) {
        if (!is_get_of(q, "large-update"))
            return;
        pt_fill(body, sizeof body, "large-update");
        pt_content(q->p, q->t, q->x, PT_TEXT, body, sizeof body);
    } else if (q->x->method == LINTEL_GET || q->x->method == LINTEL_PUT) {
        struct pt_item *i;
        uint32_t code = pt_store(q->p, q->x, q->path, true, &i);
        if (code == 0)
            pt_content(q->p, q->t, q->x, i->format, i->body, i->n);
        else if (code >= LINTEL_CODE(4, 0))
            fail(q, code);
        else
            pt_code(q->p, q->t, LINTEL_CODE(2, 4));
    } else
        fail(q, LINTEL_CODE(4, 5));
}

static void
on_large_create(const struct asked *q)
{
    char path[PT_PATH_MOST];
    struct pt *p = q->p;
    struct pt_item *i;
    if (q->x->method != LINTEL_POST || strcmp(q->path, "large-create") != 0) {
        uint32_t code = pt_store(p, q->x, q->path, false, &i);
        if (code == 0)
            pt_content(p, q->t, q->x, i->format, i->body, i->n);
        else if (code >= LINTEL_CODE(4, 0))
            fail(q, code);
        else
            pt_code(p, q->t, code);
        return;
    }
    if (q->x->payload.n > PT_BODY_MOST) {
        fail(q, LINTEL_CODE(4, 13));
        return;
    }
    snprintf(path, sizeof path, "large-create/%u", (unsigned)(p->created + 1 - PT_CREATED_MOST));
    i = p->created >= PT_CREATED_MOST ? pt_item_find(p, path) : NULL;
    if (i != NULL)
        pt_item_remove(i);
    snprintf(path, sizeof path, "large-create/%u", (unsigned)++p->created);
    if (pt_item_put(p, path, q->x->format != LINTEL_FORMAT_NONE ? q->x->format : PT_TEXT,
                    q->x->payload.p, q->x->payload.n) == NULL)
        fail(q, LINTEL_CODE(5, 3));
    else
        pt_located(p, q->t, LINTEL_CODE(2, 1), path, NULL);
}

/* Answers with the body, small letters made large. */
static void
on_large_post(const struct asked *q)
{
    char body[POST_MOST];
    const lintel_span in = q->x->payload;
    if (q->x->method != LINTEL_POST || strcmp(q->path, "large-post") != 0) {
        fail(q, strcmp(q->path, "large-post") != 0 ? LINTEL_CODE(4, 4) : LINTEL_CODE(4, 5));
        return;
    }
    if (in.n > sizeof body) {
        fail(q, LINTEL_CODE(4, 13));
        return;
    }
    for (size_t i = 0; i < in.n; i++)
        body[i] = (char)(in.p[i] >= 'a' && in.p[i] <= 'z' ? in.p[i] - 'a' + 'A' : in.p[i]);
    lintel_answer a = {
        .size = sizeof a, .code = LINTEL_CODE(2, 4), .format = PT_TEXT, .payload = {body, in.n}};
    q->p->tree->answer(q->p->host, q->t, &a);
}

static void
on_multi_format(const struct asked *q)
{
    static const struct {
        int32_t format;
        const char *body;
    } all[] = {
        {PT_TEXT, "lintel"}, {PT_XML, "<name>lintel</name>"}, {PT_JSON, "{\"name\":\"lintel\"}"}};
    if (!is_get_of(q, "multi-format"))
        return;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (pt_accepts(q->x, all[i].format)) {
            pt_content(q->p, q->t, q->x, all[i].format, all[i].body, strlen(all[i].body));
            return;
        }
    pt_fail(q->p, q->t, LINTEL_CODE(4, 6), "there are 0 (text), 41 (XML) and 50 (JSON)");
}

static void
on_location_query(const struct asked *q)
{
    if (q->x->method != LINTEL_POST)
        fail(q, LINTEL_CODE(4, 5));
    else
        pt_located(q->p, q->t, LINTEL_CODE(2, 1), "location-query", "first=1&second=2");
}

/* Each POST counts once: repeated messages are to be recognised below. */
static void
on_counter(const struct asked *q)
{
    char body[16];
    if (q->x->method != LINTEL_POST) {
        if (is_get_of(q, "counter")) {
            snprintf(body, sizeof body, "%u", (unsigned)q->p->counter);
            text(q, body);
        }
        return;
    }
    int n = snprintf(body, sizeof body, "%u", (unsigned)++q->p->counter);
    lintel_answer a = {.size = sizeof a,
                       .code = LINTEL_CODE(2, 4),
                       .format = PT_TEXT,
                       .payload = {body, (size_t)n}};
    q->p->tree->answer(q->p->host, q->t, &a);
}

static void
on_link(const struct asked *q)
{
    if (q->x->npath != 1)
        fail(q, LINTEL_CODE(4, 4));
    else if (is_get_of(q, q->path))
        text(q, q->path);
}

static void
on_path(const struct asked *q)
{
    static const char links[] = "</path/sub1>,</path/sub2>,</path/sub3>";
    if (strcmp(q->path, "path") != 0) {
        static const char *const subs[] = {"path/sub1", "path/sub2", "path/sub3"};
        for (size_t i = 0; i < 3; i++)
            if (strcmp(q->path, subs[i]) == 0 && q->x->method == LINTEL_GET) {
                char body[32];
                snprintf(body, sizeof body, "/%s", subs[i]);
                text(q, body);
                return;
            }
        fail(q, q->x->method == LINTEL_GET ? LINTEL_CODE(4, 4) : LINTEL_CODE(4, 5));
    } else if (is_get_of(q, "path"))
        pt_content(q->p, q->t, q->x, PT_LINKS, links, sizeof links - 1);
}

static void
on_obs(const struct asked *q)
{
    static const char *const names[PT_STREAMS] = {"obs", "obs-non", "obs-large", "obs-pumping"};
    for (int s = 0; s < PT_STREAMS; s++)
        if (strcmp(q->path, names[s]) == 0) {
            pt_observable(q->p, q->t, q->x, (enum pt_stream)s);
            return;
        }
    fail(q, LINTEL_CODE(4, 4));
}

/* ---- what takes its time --------------------------------------------------------------------- */

static void on_due(void *arg);

static void
set_timer(struct pt *p)
{
    lintel_mono first = 0;
    for (size_t i = 0; i < PT_DELAYED_MOST; i++)
        if (p->delayed[i].ticket != 0 && (first == 0 || p->delayed[i].due < first))
            first = p->delayed[i].due;
    p->loop->timer(p->host, first, on_due, p);
}

static void
on_due(void *arg)
{
    static const char body[] = "This answer took its time.";
    struct pt *p = arg;
    lintel_mono now = p->host->now(p->host);
    for (size_t i = 0; i < PT_DELAYED_MOST; i++) {
        struct pt_delayed d = p->delayed[i];
        if (d.ticket == 0 || d.due > now)
            continue;
        p->delayed[i].ticket = 0;
        lintel_answer a = {.size = sizeof a,
                           .code = d.code,
                           .format = d.has_body ? PT_TEXT : LINTEL_FORMAT_NONE,
                           .max_age = 60,
                           .payload = {body, d.has_body ? sizeof body - 1 : 0}};
        p->tree->answer(p->host, d.ticket, &a);
    }
    set_timer(p);
}

static void
delay(const struct asked *q, uint32_t code)
{
    struct pt *p = q->p;
    for (size_t i = 0; i < PT_DELAYED_MOST; i++)
        if (p->delayed[i].ticket == 0) {
            p->delayed[i] = (struct pt_delayed){q->t, p->host->now(p->host) + p->delay, code,
                                                code == LINTEL_CODE(2, 5)};
            set_timer(p);
            return;
        }
    fail(q, LINTEL_CODE(5, 3));
}

/* What is asked is done at once, and told later. /separate itself can always be read. */
static void
on_separate(const struct asked *q)
{
    struct pt_item *i;
    bool root = strcmp(q->path, "separate") == 0;
    uint32_t code =
        q->x->method == LINTEL_GET && root ? 0 : pt_store(q->p, q->x, q->path, true, &i);
    delay(q, code == 0 ? LINTEL_CODE(2, 5) : code);
}

/* The same for a resource that can only be read. */
static void
on_separate_read(const struct asked *q)
{
    delay(q, q->x->method == LINTEL_GET ? LINTEL_CODE(2, 5) : LINTEL_CODE(4, 5));
}

/* ---- the tree -------------------------------------------------------------------------------- */

static const struct {
    const char *name, *links;
    void (*request)(const struct asked *q);
} resources[] = {
    {"test", "</test>;ct=0;title=\"GET, POST, PUT, DELETE\"", on_test},
    {"seg1", "</seg1/seg2/seg3>;ct=0;title=\"a path of three segments\"", on_seg},
    {"query", "</query>;ct=0;title=\"shows its query\"", on_query},
    {"separate", "</separate>;ct=0;title=\"takes its time\"", on_separate},
    {"separate-read", "</separate-read>;ct=0;title=\"takes its time, read-only\"",
     on_separate_read},
    {"large", "</large>;ct=0;rt=block;sz=1700;title=\"needs blocks\"", on_large},
    {"large-update", "</large-update>;ct=0;rt=block;sz=1700;title=\"PUT in blocks\"",
     on_large_update},
    {"large-create", "</large-create>;rt=block;title=\"POST in blocks\"", on_large_create},
    {"large-post", "</large-post>;ct=0;rt=block;title=\"POST in blocks both ways\"", on_large_post},
    {"obs", "</obs>;ct=0;rt=observe;obs;title=\"confirmable notifications\"", on_obs},
    {"obs-non", "</obs-non>;ct=0;rt=observe;obs;title=\"non-confirmable notifications\"", on_obs},
    {"obs-large", "</obs-large>;ct=0;rt=\"observe block\";obs;title=\"notifications in blocks\"",
     on_obs},
    {"obs-pumping",
     "</obs-pumping>;ct=0;rt=\"observe block\";obs;title=\"notifications of changing size\"",
     on_obs},
    {"validate", "</validate>;ct=0;title=\"with an ETag\"", on_stored},
    {"create1", "", on_stored},
    {"storage", "</storage>;title=\"takes what is put below it\"", on_stored},
    {"multi-format", "</multi-format>;ct=\"0 41 50\"", on_multi_format},
    {"location-query", "</location-query>;title=\"POST answers with Location-Query\"",
     on_location_query},
    {"location1", "</location1/location2/location3>;ct=0", on_location},
    {"counter", "</counter>;ct=0;title=\"counts POSTs\"", on_counter},
    {"link1", "</link1>;ct=0;rt=\"Type1 Type2\";if=If1", on_link},
    {"link2", "</link2>;ct=0;rt=\"Type2 Type3\";if=If2", on_link},
    {"link3", "</link3>;ct=0;rt=\"Type1 Type3\";if=foo", on_link},
    {"path", "</path>;ct=40;title=\"lists what is below\"", on_path},
};
enum { NRESOURCES = sizeof resources / sizeof resources[0] };

lintel_status
pt_resources_mount(struct pt *p)
{
    static const char validated[] = "validate me";
    for (size_t i = 0; i < NRESOURCES; i++) {
        lintel_status st = p->tree->mount(p->host, resources[i].name, resources[i].links);
        if (st != LINTEL_OK) {
            char line[128];
            snprintf(line, sizeof line, "/%s can't be mounted: %s", resources[i].name,
                     st == LINTEL_E_BUSY ? "another plugin has mounted it" : "the hub refuses it");
            p->host->log(p->host, LINTEL_LOG_ERROR, line);
            return st;
        }
    }
    return pt_item_put(p, "validate", PT_TEXT, validated, sizeof validated - 1) != NULL
               ? LINTEL_OK
               : LINTEL_E_NOMEM;
}

/* Segments joined by '/'. 0: too long, or one has a '/' or a NUL of its own. */
static bool
join(const lintel_exchange *x, char ret[PT_PATH_MOST])
{
    size_t n = 0;
    for (uint32_t i = 0; i < x->npath; i++) {
        lintel_span s = x->path[i];
        if (s.n + 2 > PT_PATH_MOST - n ||
            (s.n > 0 && (memchr(s.p, '/', s.n) != NULL || memchr(s.p, '\0', s.n) != NULL)))
            return false;
        if (i != 0)
            ret[n++] = '/';
        if (s.n > 0)
            memcpy(ret + n, s.p, s.n);
        n += s.n;
    }
    ret[n] = '\0';
    return true;
}

void
pt_resources_request(void *self, lintel_ticket t, const lintel_exchange *x)
{
    struct asked q = {.p = self, .t = t, .x = x};
    if (!join(x, q.path)) {
        fail(&q, LINTEL_CODE(4, 4));
        return;
    }
    size_t first = strcspn(q.path, "/");
    for (size_t i = 0; i < NRESOURCES; i++)
        if (strlen(resources[i].name) == first && memcmp(resources[i].name, q.path, first) == 0) {
            resources[i].request(&q);
            return;
        }
    fail(&q, LINTEL_CODE(4, 4));
}

void
pt_resources_abandoned(void *self, lintel_ticket t)
{
    struct pt *p = self;
    pt_observer_gone(p, t);
    for (size_t i = 0; i < PT_DELAYED_MOST; i++)
        if (p->delayed[i].ticket == t)
            p->delayed[i].ticket = 0;
}

void
pt_resources_stop(struct pt *p)
{
    p->loop->timer(p->host, 0, on_due, p);
}
