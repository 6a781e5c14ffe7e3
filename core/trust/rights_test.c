/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/rights.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/text.h"
#include "lintel/transport.h"
#include "tests/kit/failures.h"
#include "tests/kit/kit.h"

enum { R = LINTEL_MAY_READ, W = LINTEL_MAY_WRITE, G = LINTEL_MAY_REGISTER, M = LINTEL_MAY_MANAGE };
#define KEY1 "0x000102030405060708090a0b0c0d0eff"
#define KEY2 "q7Rw-91xPz:ee4Lk+uT"
#define KEY3 "0xA5c9D8e7f60123456789fedcba987654"

static char reason[LINTEL_RIGHTS_REASON];

static void
must(int failed)
{
    if (!CHECK_INT(failed, 0))
        printf("  %s\n", reason);
    reason[0] = '\0';
}

/* The site of docs/rights.md. */
static struct lintel_rights *
site(void)
{
    struct lintel_rights *r = lintel_rights_new();
    CHECK(r != NULL);
    must(lintel_rights_add(r, "lobby-sensor", reason));
    must(lintel_rights_add_role(r, "lobby-sensor", "sensors", reason));
    must(lintel_rights_add_key(r, "lobby-sensor", "lobby-sensor", KEY1, reason));
    must(lintel_rights_add(r, "alice", reason));
    must(lintel_rights_add_key(r, "alice", "alice-2025", KEY2, reason));
    must(lintel_rights_add_key(r, "alice", "alice-2026", KEY3, reason));
    must(lintel_rights_add(r, "tool-3", reason));
    must(lintel_rights_add_role(r, "tool-3", "commissioners", reason));
    must(lintel_rights_add_role(r, "tool-3", "sensors", reason));
    must(lintel_rights_add_certificate(r, "tool-3", "tool-3.example.com", "CN=Tools", reason));
    must(lintel_rights_add_certificate(r, "tool-3", "tool-3.example.com", "CN=New", reason));
    must(lintel_rights_grant(r, "sensors", "rooms", R | G, reason));
    must(lintel_rights_grant(r, "commissioners", NULL, R | W | G, reason));
    must(lintel_rights_grant(r, "alice", "rooms", R | W, reason));
    must(lintel_rights_grant(r, "anybody", "public", R, reason));
    must(lintel_rights_grant(r, "alice", NULL, M, reason));
    return r;
}

static void
decides(void)
{
    static const struct {
        uint32_t flags;
        const char *identity, *authority, *zone;
        uint32_t may;
        const char *name;
    } rows[] = {
        /* by key */
        {LINTEL_X_SECURE, "lobby-sensor", "psk", "rooms", R | G, "lobby-sensor"},
        {LINTEL_X_SECURE, "lobby-sensor", "psk", "public", R, "lobby-sensor"},
        {LINTEL_X_SECURE, "lobby-sensor", "psk", "plant", 0, "lobby-sensor"},
        {LINTEL_X_SECURE, "lobby-sensor", "psk", "", 0, "lobby-sensor"},
        {LINTEL_X_SECURE, "lobby-sensor", "psk", "room", 0, "lobby-sensor"},
        {LINTEL_X_SECURE, "lobby-sensor", "psk", NULL, R | G, "lobby-sensor"},
        {LINTEL_X_SECURE, "alice-2025", "psk", "rooms", R | W | M, "alice"},
        {LINTEL_X_SECURE, "alice-2026", "psk", "rooms", R | W | M, "alice"},
        {LINTEL_X_SECURE, "alice", "psk", "rooms", 0, NULL}, /* the name is no PSK identity */
        {LINTEL_X_SECURE, "nobody", "psk", "public", R, NULL},
        /* by certificate: name and issuer */
        {LINTEL_X_SECURE, "tool-3.example.com", "CN=Tools", "", R | W | G, "tool-3"},
        {LINTEL_X_SECURE, "tool-3.example.com", "CN=New", "rooms", R | W | G, "tool-3"},
        {LINTEL_X_SECURE, "tool-3.example.com", "CN=Other", "rooms", 0, NULL},
        {LINTEL_X_SECURE, "tool-3.example.com", "psk", "rooms", 0, NULL},
        {LINTEL_X_SECURE, "lobby-sensor", "CN=Tools", "rooms", 0, NULL},
        {LINTEL_X_SECURE, "lobby-sensor", "", "rooms", 0, NULL},
        /* a name that nothing proves is nobody's */
        {LINTEL_X_OPEN, "lobby-sensor", "psk", "rooms", 0, NULL},
        {0, "lobby-sensor", "psk", "public", 0, NULL},
        /* nobody known */
        {LINTEL_X_OPEN, "", "", "public", R, NULL},
        {LINTEL_X_OPEN, "", "", "rooms", 0, NULL},
        {LINTEL_X_OPEN, "", "", "", 0, NULL},
        {LINTEL_X_OPEN, "", "", NULL, R, NULL},
        {0, "", "", "public", 0, NULL},
        /* no row is of "local" */
        {LINTEL_X_LOOPBACK, "", "", "rooms", R | W | G | M, NULL},
        {LINTEL_X_LOOPBACK | LINTEL_X_SECURE, "uid 1000", "", NULL, R | W | G | M, NULL},
    };
    struct lintel_rights *r = site();
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        const struct lintel_who who = {rows[i].flags, rows[i].identity, rows[i].authority};
        const char *name = lintel_rights_name(r, &who);
        int good = CHECK_INT(lintel_rights_of(r, &who, rows[i].zone), rows[i].may);
        good &= CHECK_STR(name != NULL ? name : "(none)",
                          rows[i].name != NULL ? rows[i].name : "(none)");
        if (!good)
            printf("  row %zu: %s in %s\n", i, rows[i].identity,
                   rows[i].zone != NULL ? rows[i].zone : "any");
    }
    lintel_rights_free(r);
}

static void
local_rows_rule_loopback(void)
{
    struct lintel_rights *r = site();
    const struct lintel_who who = {LINTEL_X_LOOPBACK, "", ""};
    must(lintel_rights_grant(r, "local", "rooms", R, reason));
    CHECK_INT(lintel_rights_of(r, &who, "rooms"), R);
    CHECK_INT(lintel_rights_of(r, &who, "public"), R); /* as anybody */
    CHECK_INT(lintel_rights_of(r, &who, "plant"), 0);
    must(lintel_rights_grant(r, "local", NULL, R | W | M, reason));
    CHECK_INT(lintel_rights_of(r, &who, "plant"), R | W | M);
    lintel_rights_free(r);
}

/* docs/decisions/002, and what a table without rows says. */
static void
without_a_table(void)
{
    const struct lintel_who local = {LINTEL_X_LOOPBACK, "", ""}, open = {LINTEL_X_OPEN, "", ""},
                            other = {LINTEL_X_SECURE, "lobby-sensor", "psk"};
    CHECK_INT(lintel_rights_of(NULL, &local, "x"), R | W | G | M);
    CHECK_INT(lintel_rights_of(NULL, &open, "x"), R | W | G);
    CHECK_INT(lintel_rights_of(NULL, &other, "x"), 0);
    CHECK(lintel_rights_name(NULL, &other) == NULL);
    struct lintel_rights *r = lintel_rights_new();
    REQUIRE(r != NULL);
    must(lintel_rights_add(r, "lobby-sensor", reason));
    must(lintel_rights_add_key(r, "lobby-sensor", "lobby-sensor", KEY1, reason));
    CHECK_INT(lintel_rights_of(r, &open, "x"), R | W | G); /* identities are no table */
    CHECK_INT(lintel_rights_of(r, &other, "x"), 0);
    CHECK_STR(lintel_rights_name(r, &other), "lobby-sensor");
    lintel_rights_table(r);
    CHECK_INT(lintel_rights_of(r, &open, "x"), 0);
    CHECK_INT(lintel_rights_of(r, &open, NULL), 0);
    CHECK_INT(lintel_rights_of(r, &local, "x"), R | W | G | M);
    lintel_rights_free(r);
}

static void
gives_keys_by_their_identity(void)
{
    static const uint8_t first[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};
    struct lintel_rights *r = site();
    uint8_t key[LINTEL_KEY_MOST];
    CHECK_INT(lintel_rights_key(r, "lobby-sensor", 12, key, sizeof key), 16);
    CHECK(memcmp(key, first, 16) == 0);
    CHECK_INT(lintel_rights_key(r, "alice-2025xx", 10, key, sizeof key), sizeof KEY2 - 1);
    CHECK(memcmp(key, KEY2, sizeof KEY2 - 1) == 0);
    CHECK_INT(lintel_rights_key(r, "alice-2026", 10, key, sizeof key), 16);
    CHECK_INT(key[0], 0xa5);
    CHECK_INT(lintel_rights_key(r, "alice-2026", 10, key, 15), 0); /* no room */
    CHECK_INT(lintel_rights_key(r, "alice", 5, key, sizeof key), 0);
    CHECK_INT(lintel_rights_key(r, "", 0, key, sizeof key), 3);
    CHECK_INT(lintel_rights_key(NULL, "alice", 5, key, sizeof key), 0);
    lintel_rights_free(r);
}

static void
refuses_bad_keys(void)
{
    static const struct {
        const char *key, *why;
    } rows[] = {
        {"", "not 0"},
        {"fifteen.bytes15", "not 15"},
        {"0x00010203040506070809", "not 10"},
        {"0x000102030405060708090a0b0c0d0ef", "pairs of hexadecimal digits"},
        {"0x000102030405060708090a0b0c0d0egg", "pairs of hexadecimal digits"},
        {"-12345678-12345678-12345678-12345678-12345678-12345678-12345678-x", "not 65"},
        {"aaaaaaaaaaaaaaaa", "easily guessed"},
        {"passwordpassword", "easily guessed"},
        {"abcdefghijabcdefghij", "easily guessed"},
        {"0123456789:;<=>?", "easily guessed"},
        {"0x00112233445566778899aabbccddeeff", "easily guessed"},
        {"0xfffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "easily guessed"},
        {"0x01010101010202020203030304040506", "easily guessed"},
        {"key of new-one: 1", "easily guessed"},
        {KEY1, "lobby-sensor and new-one have the same key"},
        {"0x000102030405060708090A0B0C0D0EFF", "lobby-sensor and new-one have the same key"},
        {KEY2, "alice and new-one have the same key"},
    };
    struct lintel_rights *r = site();
    uint8_t key[LINTEL_KEY_MOST];
    must(lintel_rights_add(r, "new-one", reason));
    for (size_t i = 0; i < LINTEL_COUNT(rows); i++) {
        CHECK_INT(lintel_rights_add_key(r, "new-one", "new-one", rows[i].key, reason), -1);
        CHECK_HAS(reason, rows[i].why);
        CHECK(rows[i].key[0] == '\0' || strstr(reason, rows[i].key) == NULL);
        CHECK_INT(lintel_rights_key(r, "new-one", 7, key, sizeof key), 0);
    }
    CHECK_INT(lintel_rights_add_key(r, "alice", "alice-2027", KEY3, reason), -1);
    CHECK_HAS(reason, "two keys of alice are the same");
    CHECK_INT(lintel_rights_add_key(r, "new-one", "alice-2025",
                                    "0x9f8e7d6c5b4a39281706f5e4d3c2b1a0", reason),
              -1);
    CHECK_HAS(reason, "\"alice-2025\" stands for alice already");
    lintel_rights_free(r);
}

static void
refuses_what_is_ambiguous(void)
{
    struct lintel_rights *r = site();
    CHECK_INT(lintel_rights_add(r, "alice", reason), -1);
    CHECK_HAS(reason, "is an identity already");
    CHECK_INT(lintel_rights_add(r, "sensors", reason), -1);
    CHECK_HAS(reason, "is a role already");
    CHECK_INT(lintel_rights_add(r, "anybody", reason), -1);
    CHECK_INT(lintel_rights_add_role(r, "alice", "local", reason), -1);
    CHECK_HAS(reason, "kept for rows");
    CHECK_INT(lintel_rights_add_role(r, "alice", "tool-3", reason), -1);
    CHECK_HAS(reason, "is an identity already");
    CHECK_INT(lintel_rights_add_role(r, "bob", "sensors", reason), -1);
    CHECK_HAS(reason, "no identity \"bob\"");
    CHECK_INT(lintel_rights_grant(r, "sensor", NULL, R, reason), -1);
    CHECK_HAS(reason, "\"sensor\" is neither");
    CHECK_INT(lintel_rights_add_certificate(r, "alice", "tool-3.example.com", "CN=Tools", reason),
              -1);
    CHECK_HAS(reason, "stands for tool-3 already");
    CHECK_INT(lintel_rights_add_certificate(r, "alice", "tool-3.example.com", NULL, reason), -1);
    CHECK_HAS(reason, "say the issuer of both");
    CHECK_INT(lintel_rights_add_certificate(r, "alice", "x", "psk", reason), -1);
    CHECK_INT(lintel_rights_add_certificate(r, "alice", "", NULL, reason), -1);
    CHECK_INT(
        lintel_rights_add_key(r, "alice", "a\nb", "0x9f8e7d6c5b4a39281706f5e4d3c2b1a0", reason),
        -1);
    lintel_rights_free(r);
}

static int
build(void *ctx)
{
    (void)ctx;
    reason[0] = '\0';
    struct lintel_rights *r = lintel_rights_new();
    int failed = r == NULL || lintel_rights_add(r, "a", reason) != 0 ||
                 lintel_rights_add_role(r, "a", "b", reason) != 0 ||
                 lintel_rights_add_key(r, "a", "c", KEY1, reason) != 0 ||
                 lintel_rights_add_certificate(r, "a", "d", "e", reason) != 0 ||
                 lintel_rights_grant(r, "b", "f", R, reason) != 0;
    lintel_rights_free(r);
    if (r != NULL)
        CHECK_STR(reason, failed ? "out of memory" : "");
    return !failed;
}

static void
out_of_memory(void)
{
    CHECK(kit_each_failure(build, NULL) > 5);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(decides),          KIT(local_rows_rule_loopback),
        KIT(without_a_table),  KIT(gives_keys_by_their_identity),
        KIT(refuses_bad_keys), KIT(refuses_what_is_ambiguous),
        KIT(out_of_memory),    {0}};
    return kit_main("rights", tests, argc, argv);
}
