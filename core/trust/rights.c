/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/rights.h"

#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/text.h"
#include "core/trust/secret.h"
#include "lintel/transport.h"

struct grant {
    const char *zone; /* NULL: all */
    uint32_t may;
};
enum kind { IDENTITY, ROLE, EVERYBODY };
struct principal { /* whom rows can name */
    const char *name;
    enum kind kind;
    struct grant *grants;
    uint32_t ngrants;
    struct principal **roles; /* of an identity */
    uint32_t nroles;
    struct principal *next;
};
struct key {
    struct key *next;
    const struct principal *identity;
    const char *name; /* its PSK identity */
    uint32_t n;
    uint8_t bytes[LINTEL_KEY_MOST];
};
struct certificate {
    struct certificate *next; /* with the same name */
    const struct principal *identity;
    const char *issuer; /* NULL: any */
};

struct lintel_rights {
    struct lintel_arena *arena;
    struct lintel_map principals;   /* by name */
    struct lintel_map keys;         /* by PSK identity */
    struct lintel_map certificates; /* by name: the first of a list */
    struct principal *first_principal;
    struct key *first_key;
    struct principal anybody, local;
    int table, local_said;
};

enum { THINGS = LINTEL_MAY_READ | LINTEL_MAY_WRITE | LINTEL_MAY_REGISTER };

/* ---- asking ---------------------------------------------------------------------------------- */

static const struct principal *
identity_of(const struct lintel_rights *r, const struct lintel_who *who)
{
    if (r == NULL || !(who->flags & LINTEL_X_SECURE) || who->identity[0] == '\0' ||
        who->authority[0] == '\0')
        return NULL;
    size_t n = strlen(who->identity);
    if (strcmp(who->authority, "psk") == 0) {
        const struct key *k = lintel_map_get(&r->keys, who->identity, n);
        return k != NULL ? k->identity : NULL;
    }
    const struct certificate *c = lintel_map_get(&r->certificates, who->identity, n);
    while (c != NULL && c->issuer != NULL && strcmp(c->issuer, who->authority) != 0)
        c = c->next;
    return c != NULL ? c->identity : NULL;
}

static uint32_t
granted(const struct principal *p, const char *zone)
{
    uint32_t may = 0;
    for (uint32_t i = 0; i < p->ngrants; i++)
        if (zone == NULL || p->grants[i].zone == NULL || strcmp(p->grants[i].zone, zone) == 0)
            may |= p->grants[i].may;
    return may;
}

uint32_t
lintel_rights_of(const struct lintel_rights *r, const struct lintel_who *who, const char *zone)
{
    if (who->flags & LINTEL_X_LOOPBACK && (r == NULL || !r->local_said))
        return THINGS | LINTEL_MAY_MANAGE;
    if (r == NULL || !r->table)
        return who->flags & LINTEL_X_OPEN ? THINGS : 0;
    if (!(who->flags & (LINTEL_X_LOOPBACK | LINTEL_X_SECURE | LINTEL_X_OPEN)))
        return 0;
    const struct principal *p = identity_of(r, who);
    uint32_t may = granted(&r->anybody, zone);
    if (who->flags & LINTEL_X_LOOPBACK)
        may |= granted(&r->local, zone);
    if (p == NULL)
        return may;
    may |= granted(p, zone);
    for (uint32_t i = 0; i < p->nroles; i++)
        may |= granted(p->roles[i], zone);
    return may;
}

const char *
lintel_rights_name(const struct lintel_rights *r, const struct lintel_who *who)
{
    const struct principal *p = identity_of(r, who);
    return p != NULL ? p->name : NULL;
}

int
lintel_rights_is(const struct lintel_rights *r, const struct lintel_who *who, const char *name)
{
    const struct principal *p = identity_of(r, who);
    if (strcmp(name, "anybody") == 0)
        return 1;
    int is = p != NULL && strcmp(p->name, name) == 0;
    for (uint32_t i = 0; p != NULL && i < p->nroles; i++)
        is |= strcmp(p->roles[i]->name, name) == 0;
    return is;
}

int
lintel_rights_has(const struct lintel_rights *r, const char *name)
{
    return strcmp(name, "anybody") == 0 ||
           (r != NULL && lintel_map_get(&r->principals, name, strlen(name)) != NULL);
}

uint32_t
lintel_rights_key(const struct lintel_rights *r, const char *psk_identity, size_t n, uint8_t *key,
                  uint32_t room)
{
    if (n == 0)
        return r != NULL ? (uint32_t)r->keys.n : 0;
    const struct key *k = r != NULL ? lintel_map_get(&r->keys, psk_identity, n) : NULL;
    if (k == NULL || k->n > room)
        return 0;
    memcpy(key, k->bytes, k->n);
    return k->n;
}

/* ---- making ---------------------------------------------------------------------------------- */

struct lintel_rights *
lintel_rights_new(void)
{
    struct lintel_rights *r = lintel_alloc(sizeof *r);
    if (r == NULL)
        return NULL;
    r->anybody = (struct principal){.name = "anybody", .kind = EVERYBODY};
    r->local = (struct principal){.name = "local", .kind = EVERYBODY};
    if ((r->arena = lintel_arena_new()) != NULL &&
        lintel_map_put(&r->principals, "anybody", 7, &r->anybody) == 0 &&
        lintel_map_put(&r->principals, "local", 5, &r->local) == 0)
        return r;
    lintel_rights_free(r);
    return NULL;
}

static void
principal_fini(struct principal *p)
{
    lintel_free(p->grants);
    lintel_free(p->roles);
}

void
lintel_rights_free(struct lintel_rights *r)
{
    if (r == NULL)
        return;
    for (struct key *k = r->first_key; k != NULL; k = k->next)
        lintel_secret_wipe(k->bytes, sizeof k->bytes);
    for (struct principal *p = r->first_principal; p != NULL; p = p->next)
        principal_fini(p);
    principal_fini(&r->anybody);
    principal_fini(&r->local);
    lintel_map_fini(&r->principals);
    lintel_map_fini(&r->keys);
    lintel_map_fini(&r->certificates);
    lintel_arena_free(r->arena);
    lintel_free(r);
}

void
lintel_rights_table(struct lintel_rights *r)
{
    r->table = 1;
}

static int
no_memory(char reason[LINTEL_RIGHTS_REASON])
{
    (void)lintel_copy(reason, LINTEL_RIGHTS_REASON, "out of memory");
    return -1;
}

static struct principal *
find(const struct lintel_rights *r, const char *name)
{
    return lintel_map_get(&r->principals, name, strlen(name));
}

/* NULL with the reason where the name is taken. */
static struct principal *
add_principal(struct lintel_rights *r, const char *name, enum kind kind,
              char reason[LINTEL_RIGHTS_REASON])
{
    static const char *const takes[] = {"an identity", "a role", "kept for rows of rights"};
    const struct principal *other = find(r, name);
    if (other != NULL) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "\"%.64s\" is %s already; identities and roles share their names", name,
                            takes[other->kind]);
        return NULL;
    }
    struct principal *p = lintel_arena_alloc(r->arena, sizeof *p);
    if (p == NULL || (p->name = lintel_arena_strdup(r->arena, name)) == NULL ||
        lintel_map_put(&r->principals, name, strlen(name), p) != 0) {
        (void)no_memory(reason);
        return NULL;
    }
    p->kind = kind;
    p->next = r->first_principal;
    r->first_principal = p;
    return p;
}

int
lintel_rights_add(struct lintel_rights *r, const char *identity, char reason[LINTEL_RIGHTS_REASON])
{
    return add_principal(r, identity, IDENTITY, reason) != NULL ? 0 : -1;
}

static struct principal *
find_identity(const struct lintel_rights *r, const char *name, char reason[LINTEL_RIGHTS_REASON])
{
    struct principal *p = find(r, name);
    if (p != NULL && p->kind == IDENTITY)
        return p;
    (void)lintel_format(reason, LINTEL_RIGHTS_REASON, "there is no identity \"%.64s\"", name);
    return NULL;
}

int
lintel_rights_add_role(struct lintel_rights *r, const char *identity, const char *role,
                       char reason[LINTEL_RIGHTS_REASON])
{
    struct principal *p = find_identity(r, identity, reason), *of = find(r, role);
    if (p == NULL)
        return -1;
    if (of == NULL || of->kind != ROLE)
        of = add_principal(r, role, ROLE, reason);
    if (of == NULL)
        return -1;
    for (uint32_t i = 0; i < p->nroles; i++)
        if (p->roles[i] == of)
            return 0;
    struct principal **more = lintel_grow(p->roles, p->nroles + 1, sizeof(struct principal *));
    if (more == NULL)
        return no_memory(reason);
    p->roles = more;
    p->roles[p->nroles++] = of;
    return 0;
}

/* The bytes of a key written as text. */
static int
read_key(const char *text, struct key *k, char reason[LINTEL_RIGHTS_REASON])
{
    size_t n = strlen(text);
    int hex = n >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *p = hex ? text + 2 : text;
    n -= (size_t)(p - text);
    if (hex && (n % 2 != 0 || strspn(p, "0123456789abcdefABCDEF") != n)) {
        (void)lintel_copy(reason, LINTEL_RIGHTS_REASON,
                          "behind 0x there must be pairs of hexadecimal digits");
        return -1;
    }
    n = hex ? n / 2 : n;
    if (n < LINTEL_KEY_LEAST || n > LINTEL_KEY_MOST) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "a key has %d to %d bytes, not %zu; make one by: (printf 0x; openssl "
                            "rand -hex 16)",
                            LINTEL_KEY_LEAST, LINTEL_KEY_MOST, n);
        return -1;
    }
    for (size_t i = 0; !hex && i < n; i++)
        k->bytes[i] = (uint8_t)p[i];
    for (size_t i = 0; hex && i < n; i++) {
        unsigned high = (unsigned)lintel_hex_digit(p[2 * i]);
        unsigned low = (unsigned)lintel_hex_digit(p[2 * i + 1]);
        k->bytes[i] = (uint8_t)((high << 4 | low) & 0xff);
    }
    k->n = (uint32_t)n;
    return 0;
}

/* Whether the bytes repeat with a period of at most half their number. */
static int
repeats(const struct key *k)
{
    for (uint32_t period = 1; period <= k->n / 2; period++)
        if (memcmp(k->bytes, k->bytes + period, k->n - period) == 0)
            return 1;
    return 0;
}

/* Whether each byte is the one before and the same step: 0123.., 00 11 22 .. */
static int
counts(const struct key *k)
{
    uint8_t step = (uint8_t)(k->bytes[1] - k->bytes[0]);
    for (uint32_t i = 2; i < k->n; i++)
        if ((uint8_t)(k->bytes[i] - k->bytes[i - 1]) != step)
            return 0;
    return 1;
}

static uint32_t
different(const struct key *k)
{
    uint8_t seen[256] = {0};
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->n; i++) {
        n += !seen[k->bytes[i]];
        seen[k->bytes[i]] = 1;
    }
    return n;
}

/* What no random key looks like: 16 random bytes with less than 8 different ones are as rare as a
 * guessed key. */
static int
is_weak(const struct key *k, const struct principal *identity)
{
    size_t name = strlen(identity->name);
    return different(k) < 8 || repeats(k) || counts(k) ||
           (name >= 4 && memmem(k->bytes, k->n, identity->name, name) != NULL);
}

/* 0 if the key and its name are nobody's yet. */
static int
judge_key(const struct lintel_rights *r, const struct key *k, char reason[LINTEL_RIGHTS_REASON])
{
    const struct key *same = lintel_map_get(&r->keys, k->name, strlen(k->name));
    const char *mine = k->identity->name;
    if (same != NULL) {
        (void)lintel_format(
            reason, LINTEL_RIGHTS_REASON, "the PSK identity \"%.64s\" stands for %s%.64s already",
            k->name, same->identity == k->identity ? "another key of " : "", same->identity->name);
        return -1;
    }
    if (is_weak(k, k->identity)) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "the key of %.64s is easily guessed: it repeats, counts, or has the "
                            "name in it; make one by: (printf 0x; openssl rand -hex 16)",
                            mine);
        return -1;
    }
    /* Every key is looked at, so that the time says nothing about which one is equal. */
    const struct key *equal = NULL;
    for (const struct key *o = r->first_key; o != NULL; o = o->next)
        if (o->n == k->n && memcmp(o->bytes, k->bytes, k->n) == 0)
            equal = o;
    if (equal == NULL)
        return 0;
    if (equal->identity == k->identity)
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "two keys of %.64s are the same; a key that is rolled is a new one",
                            mine);
    else
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "%.64s and %.64s have the same key: who opens one of them has both; "
                            "give each a key of its own",
                            equal->identity->name, mine);
    return -1;
}

static int
is_psk_identity(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return 0;
    return n > 0 && n <= LINTEL_PSK_IDENTITY_MOST && lintel_utf8_valid(s, n) == n;
}

int
lintel_rights_add_key(struct lintel_rights *r, const char *identity, const char *psk_identity,
                      const char *key, char reason[LINTEL_RIGHTS_REASON])
{
    struct principal *p = find_identity(r, identity, reason);
    if (p == NULL)
        return -1;
    if (!is_psk_identity(psk_identity)) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "a PSK identity is 1 to %d bytes of text without control characters",
                            LINTEL_PSK_IDENTITY_MOST);
        return -1;
    }
    struct key *k = lintel_arena_alloc(r->arena, sizeof *k);
    if (k == NULL || (k->name = lintel_arena_strdup(r->arena, psk_identity)) == NULL)
        return no_memory(reason);
    k->identity = p;
    if (read_key(key, k, reason) != 0 || judge_key(r, k, reason) != 0) {
        lintel_secret_wipe(k->bytes, sizeof k->bytes);
        return -1;
    }
    if (lintel_map_put(&r->keys, psk_identity, strlen(psk_identity), k) != 0) {
        lintel_secret_wipe(k->bytes, sizeof k->bytes);
        return no_memory(reason);
    }
    k->next = r->first_key;
    r->first_key = k;
    return 0;
}

int
lintel_rights_add_certificate(struct lintel_rights *r, const char *identity, const char *name,
                              const char *issuer, char reason[LINTEL_RIGHTS_REASON])
{
    struct principal *p = find_identity(r, identity, reason);
    if (p == NULL)
        return -1;
    if (name[0] == '\0' || (issuer != NULL && (!issuer[0] || strcmp(issuer, "psk") == 0))) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON, "%s",
                            name[0] == '\0' ? "the name in a certificate can't be empty"
                                            : "this can't be the name of an issuer");
        return -1;
    }
    struct certificate *first = lintel_map_get(&r->certificates, name, strlen(name));
    for (const struct certificate *o = first; o != NULL; o = o->next) {
        if (o->issuer != NULL && issuer != NULL && strcmp(o->issuer, issuer) != 0)
            continue;
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "the certificate \"%.64s\" stands for %.64s already%s", name,
                            o->identity->name,
                            o->issuer == NULL || issuer == NULL ? "; say the issuer of both" : "");
        return -1;
    }
    struct certificate *c = lintel_arena_alloc(r->arena, sizeof *c);
    if (c == NULL ||
        (issuer != NULL && (c->issuer = lintel_arena_strdup(r->arena, issuer)) == NULL))
        return no_memory(reason);
    c->identity = p;
    c->next = first;
    return lintel_map_put(&r->certificates, name, strlen(name), c) == 0 ? 0 : no_memory(reason);
}

int
lintel_rights_grant(struct lintel_rights *r, const char *who, const char *zone, uint32_t may,
                    char reason[LINTEL_RIGHTS_REASON])
{
    struct principal *p = find(r, who);
    if (p == NULL) {
        (void)lintel_format(reason, LINTEL_RIGHTS_REASON,
                            "\"%.64s\" is neither an identity nor a role of one", who);
        return -1;
    }
    struct grant *more = lintel_grow(p->grants, p->ngrants + 1, sizeof *more);
    if (more == NULL)
        return no_memory(reason);
    p->grants = more;
    p->grants[p->ngrants] =
        (struct grant){zone != NULL ? lintel_arena_strdup(r->arena, zone) : NULL, may};
    if (zone != NULL && p->grants[p->ngrants].zone == NULL)
        return no_memory(reason);
    p->ngrants++;
    r->table = 1;
    r->local_said |= p == &r->local;
    return 0;
}
