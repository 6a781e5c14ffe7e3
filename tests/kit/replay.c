/* SPDX-License-Identifier: Apache-2.0
 * main() of a fuzz target without a fuzzer: replays the files named, or its corpus,
 * tests/fuzz/corpus/NAME for a program NAME_fuzz. An empty corpus fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    size_t n = 0, room = 1 << 16;
    uint8_t *data = malloc(room);
    for (size_t got; data != NULL && (got = fread(data + n, 1, room - n, f)) > 0;) {
        n += got;
        if (n == room)
            data = realloc(data, room *= 2);
    }
    fclose(f);
    if (data == NULL)
        return 1;
    /* An exact copy, so that a sanitizer sees a read beyond the end. */
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, data, n);
    free(data);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 0;
}

int
main(int argc, char **argv)
{
    int failed = 0, done = 0;
    alarm(60);
    for (int i = 1; i < argc; i++, done++)
        failed |= replay(argv[i]);
    if (argc == 1) {
        char folder[1024], path[2048];
        const char *name = strrchr(argv[0], '/'), *root = getenv("LINTEL_SRCDIR");
        name = name ? name + 1 : argv[0];
        if (strncmp(name, "lt-", 3) == 0)
            name += 3;
        int stem = (int)(strlen(name) > 5 ? strlen(name) - 5 : strlen(name));
        snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%.*s", root ? root : ".", stem, name);
        DIR *d = opendir(folder);
        for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            failed |= replay(path);
            done++;
        }
        if (d != NULL)
            closedir(d);
        if (done == 0)
            fprintf(stderr, "%s: the corpus %s is empty\n", name, folder);
    }
    printf("%d inputs replayed\n", done);
    return failed || done == 0;
}
