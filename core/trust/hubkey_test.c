/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/hubkey.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/kit.h"

static char reason[600];

static void
is_made_once_and_found_again(void)
{
    struct lintel_hubkey first, second;
    char path[512];
    struct stat st;
    CHECK_INT(lintel_hubkey_open(kit_folder(), &first, reason, sizeof reason), 0);
    CHECK_INT(lintel_hubkey_open(kit_folder(), &second, reason, sizeof reason), 0);
    CHECK(memcmp(&first, &second, sizeof first) == 0);
    snprintf(path, sizeof path, "%s/hub.key", kit_folder());
    CHECK_INT(stat(path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    unlink(path);
    CHECK_INT(lintel_hubkey_open(kit_folder(), &second, reason, sizeof reason), 0);
    CHECK(memcmp(&first, &second, sizeof first) != 0);
}

static void
refuses_what_is_no_key(void)
{
    struct lintel_hubkey key;
    chmod(kit_write("hub.key", "abc\n"), 0600);
    CHECK_INT(lintel_hubkey_open(kit_folder(), &key, reason, sizeof reason), -1);
    CHECK_HAS(reason, "does not hold 64 hex digits");
    chmod(kit_write("hub.key", "abc\n"), 0644);
    CHECK_INT(lintel_hubkey_open(kit_folder(), &key, reason, sizeof reason), -1);
    CHECK_HAS(reason, "chmod 600");
    CHECK_INT(lintel_hubkey_open("/nowhere/at/all", &key, reason, sizeof reason), -1);
    CHECK_HAS(reason, "can't be made");
}

/* RFC 4231 4.2, its key being 20 bytes; padded with zeros it is the same key (RFC 2104 2). */
static void
derives_by_hmac_sha256(void)
{
    struct lintel_hubkey key = {{0}};
    static const uint8_t want[] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53};
    uint8_t got[32];
    memset(key.bytes, 0x0b, 20);
    lintel_hubkey_derive(&key, "Hi There", 8, got);
    CHECK(memcmp(got, want, sizeof want) == 0);
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {
        KIT(is_made_once_and_found_again),
        KIT(refuses_what_is_no_key),
        KIT(derives_by_hmac_sha256),
        {0},
    };
    return kit_main("hubkey", tests, argc, argv);
}
