/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/kit/kit.h"

static char text[LINTEL_SECRET_MOST + 1], reason[600];
static size_t n;

static const char *
secrets(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/secrets", kit_folder());
    return path;
}

static int
written(const char *name, const char *content, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "secrets/%s", name);
    chmod(kit_write(path, content), mode);
    return lintel_secret_read(secrets(), name, text, &n, reason, sizeof reason);
}

static void
reads_and_cuts_the_line_end(void)
{
    CHECK_INT(written("broker", "geheim\n", 0600), 0);
    CHECK_STR(text, "geheim");
    CHECK_INT(n, 6);
    CHECK_INT(written("crlf", "two words\r\n", 0400), 0);
    CHECK_STR(text, "two words");
    CHECK_INT(written("lines", "a\n\n", 0600), 0);
    CHECK_STR(text, "a\n");
}

static void
refuses_what_others_may_read(void)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%o", (unsigned)modes[i]);
        CHECK_INT(written(name, "geheim", modes[i]), -1);
        CHECK_HAS(reason, "chmod 600 '");
        CHECK_HAS(reason, name);
        CHECK(strstr(reason, "geheim") == NULL);
        CHECK(memchr(text, 'g', sizeof text) == NULL);
    }
}

static void
refuses_the_files_of_others(void)
{
    if (geteuid() != 0)
        return; /* only root can give a file away */
    char path[256];
    snprintf(path, sizeof path, "%s", kit_write("secrets/foreign", "geheim"));
    chmod(path, 0600);
    REQUIRE(chown(path, 12345, 12345) == 0);
    CHECK_INT(lintel_secret_read(secrets(), "foreign", text, &n, reason, sizeof reason), -1);
    CHECK_HAS(reason, "belongs to user 12345");
}

static void
names_are_no_paths(void)
{
    static const char *const names[] = {"../broker",   "a/b", ".hidden", "",
                                        "/etc/passwd", "a b", "..",      "-x"};
    CHECK_INT(written("broker", "geheim", 0600), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK_INT(lintel_secret_read(secrets(), names[i], text, &n, reason, sizeof reason), -1);
        CHECK_HAS(reason, "no name of a secret");
    }
}

static void
refuses_what_is_no_small_text(void)
{
    static char large[LINTEL_SECRET_MOST + 2];
    memset(large, 'x', sizeof large - 1);
    CHECK_INT(written("large", large, 0600), -1);
    CHECK_HAS(reason, "larger than 4096");
    CHECK(memchr(text, 'x', sizeof text) == NULL);
    large[LINTEL_SECRET_MOST] = '\0';
    CHECK_INT(written("most", large, 0600), 0);
    CHECK_INT(n, LINTEL_SECRET_MOST);
    CHECK_INT(written("empty", "\n", 0600), -1);
    CHECK_HAS(reason, "is empty");
    CHECK_INT(written("bytes", "\xff\xfe", 0600), -1);
    CHECK_HAS(reason, "is not text");
    CHECK_INT(lintel_secret_read(secrets(), "nowhere", text, &n, reason, sizeof reason), -1);
    CHECK_HAS(reason, "there is no");
    CHECK_HAS(reason, "chmod 600");
}

static void
never_waits_for_a_pipe(void)
{
    char path[600];
    CHECK_INT(written("broker", "geheim", 0600), 0);
    snprintf(path, sizeof path, "%s/pipe", secrets());
    REQUIRE(mkfifo(path, 0600) == 0);
    CHECK_INT(lintel_secret_read(secrets(), "pipe", text, &n, reason, sizeof reason), -1);
    CHECK_HAS(reason, "not a regular file");
    snprintf(path, sizeof path, "%s/folder", secrets());
    REQUIRE(mkdir(path, 0700) == 0);
    CHECK_INT(lintel_secret_read(secrets(), "folder", text, &n, reason, sizeof reason), -1);
    CHECK_HAS(reason, "not a regular file");
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(reads_and_cuts_the_line_end),
                                            KIT(refuses_what_others_may_read),
                                            KIT(refuses_the_files_of_others),
                                            KIT(names_are_no_paths),
                                            KIT(refuses_what_is_no_small_text),
                                            KIT(never_waits_for_a_pipe),
                                            {0}};
    return kit_main("secret", tests, argc, argv);
}
