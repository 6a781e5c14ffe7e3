/* SPDX-License-Identifier: Apache-2.0
 * The file: what it exports, needs and asks of the machine. It is read here as data; a file that
 * can be read at all was judged by lintel_load_file() before. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/bind/field.h"
#include "core/kit/check.h"
#include "core/kit/image.h"

static int
map_file(struct check *c, struct image *m)
{
    struct stat st;
    void *p = MAP_FAILED;
    int fd = open(c->o->file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    if (p != MAP_FAILED && image_read(p, (size_t)st.st_size, m) == 0)
        return 1;
    check_fail(c, "its tables of sections can't be read: don't strip them with more than strip(1)");
    return 0;
}

static int
is_sanitizers(const char *name)
{
    static const char *const known[] = {"__asan_", "__ubsan_",     "__tsan_",
                                        "__lsan_", "__sanitizer_", "__odr_asan",
                                        "__gcov_", "__sancov",     "llvm_gcov"};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(name, known[i], strlen(known[i])) == 0)
            return 1;
    return 0;
}

static int
has_sanitizer(const struct image *m)
{
    for (size_t i = 1; i < m->nsymbols; i++)
        if (is_sanitizers(image_string(m, m->symbols[i].st_name)))
            return 1;
    return 0;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static void
exports(struct check *c)
{
    static const char *const linker[] = {"_init", "_fini", "_edata", "_end", "__bss_start"};
    struct image m;
    if (!map_file(c, &m))
        return;
    for (size_t i = 1; i < m.nsymbols; i++) {
        const ElfW(Sym) *s = &m.symbols[i];
        const char *name = image_string(&m, s->st_name);
        int skip = s->st_shndx == SHN_UNDEF || ELF64_ST_BIND(s->st_info) == STB_LOCAL ||
                   strcmp(name, LINTEL_ENTRY_SYMBOL) == 0 || is_sanitizers(name);
        for (unsigned k = 0; k < sizeof linker / sizeof *linker; k++)
            skip |= strcmp(name, linker[k]) == 0;
        if (!skip)
            check_fail(
                c,
                "it exports \"%s\": another plugin with the same name in it would meet this one; "
                "build with -fvisibility=hidden (lintel/plugin.h, \"the one exported symbol\")",
                name);
    }
}

/* Each undefined symbol must be in a library that the file names, or in libc: else it is found only
 * by the luck of what else is in the process. */
static void
needs(struct check *c)
{
    struct image m;
    void *libraries[64];
    unsigned n = 0;
    if (!map_file(c, &m))
        return;
    libraries[n++] = dlopen("libc.so.6", RTLD_LAZY | RTLD_LOCAL);
    for (size_t i = 0; i < m.ndynamic && m.dynamic[i].d_tag != DT_NULL; i++)
        if (m.dynamic[i].d_tag == DT_NEEDED && n < 64 &&
            (libraries[n] =
                 dlopen(image_string(&m, m.dynamic[i].d_un.d_val), RTLD_LAZY | RTLD_LOCAL)) != NULL)
            n++;
    for (size_t i = 1; i < m.nsymbols; i++) {
        const ElfW(Sym) *s = &m.symbols[i];
        const char *name = image_string(&m, s->st_name);
        int found = s->st_shndx != SHN_UNDEF || ELF64_ST_BIND(s->st_info) != STB_GLOBAL ||
                    is_sanitizers(name);
        for (unsigned k = 0; k < n && !found; k++)
            found = libraries[k] != NULL && dlsym(libraries[k], name) != NULL;
        if (!found)
            check_fail(
                c,
                "it uses \"%s\" of a library that it does not name: link that library, and with "
                "-Wl,-z,defs",
                name);
    }
}

static void
segments(struct check *c)
{
    struct image m;
    int stack = 0;
    if (!map_file(c, &m))
        return;
    for (size_t i = 0; i < m.nparts; i++) {
        const ElfW(Phdr) *p = &m.parts[i];
        stack |= p->p_type == PT_GNU_STACK && !(p->p_flags & PF_X);
        if (p->p_type == PT_LOAD && (p->p_flags & PF_W) && (p->p_flags & PF_X))
            check_fail(c,
                       "its segment at 0x%llx is writable and executable: whoever can write there "
                       "runs code; "
                       "leave -z execstack, -N and -omagic away",
                       (unsigned long long)p->p_vaddr);
    }
    if (!stack)
        check_fail(c, "it asks for an executable stack: link with -Wl,-z,noexecstack, and mind "
                      "nested functions "
                      "and assembler files");
}

static void
constructors(struct check *c)
{
    struct image m;
    if (c->o->constructors) {
        check_skip(c, "--constructors");
        return;
    }
    if (!map_file(c, &m))
        return;
    if (has_sanitizer(&m)) {
        check_skip(c, "it was built with a sanitizer, which has constructors");
        return;
    }
    /* One is the compiler's own, frame_dummy. */
    for (size_t i = 0; i < m.ndynamic && m.dynamic[i].d_tag != DT_NULL; i++)
        if (m.dynamic[i].d_tag == DT_INIT_ARRAYSZ && m.dynamic[i].d_un.d_val > sizeof(void *))
            check_fail(c,
                       "it has %llu constructors: they run when the file is opened, before the hub "
                       "has judged "
                       "it; do in create() what they do (--constructors, if it must be)",
                       (unsigned long long)(m.dynamic[i].d_un.d_val / sizeof(void *) - 1));
}

/* The hub's own reader must ask for each required row. */
static void
ask_for(struct check *c, const char *which, const lintel_field *table)
{
    struct lintel_report report = {0};
    struct lintel_arena *a = lintel_arena_new();
    const struct lintel_field_source nothing = {.what = which, .at = {.file = "nothing"}};
    uint32_t asked = 0, required = 0;
    lintel_value *v = a != NULL ? lintel_fields_parse(table, &nothing, a, &report) : NULL;
    for (const lintel_field *f = table; f != NULL && f->name != NULL; f++) {
        struct lintel_buf name = {0};
        int found = 0;
        if (!(f->flags & LINTEL_F_REQUIRED))
            continue;
        required++;
        lintel_buf_addf(&name, "\"%s\"", f->name);
        for (uint32_t i = 0; i < report.n; i++)
            found |= strstr(report.problems[i].text, lintel_buf_str(&name)) != NULL ||
                     strstr(report.problems[i].text, f->name) != NULL;
        asked += (uint32_t)found;
        if (!found)
            check_fail(c,
                       "%s: \"%s\" is required, but nobody who leaves it out is told: take either "
                       "LINTEL_F_REQUIRED or its default away (lintel_field)",
                       which, f->name);
        lintel_buf_fini(&name);
    }
    if (required > 0 && asked == required && v != NULL)
        check_fail(c, "%s: the hub takes settings without the required ones", which);
    lintel_arena_free(a);
    lintel_report_fini(&report);
}

static void
entry(struct check *c)
{
    if (!check_load(c))
        return;
    ask_for(c, "settings", c->plugin->bus);
    ask_for(c, "device settings", c->plugin->device);
    ask_for(c, "address keys", c->plugin->address);
}

const struct check_row check_file_rows[] = {
    {"the hub takes the file: owner, entry, ABI, tables", entry, 10, 1},
    {"file: the entry is the one exported symbol", exports, 10, 1},
    {"file: all that it uses is in libraries that it names", needs, 10, 1},
    {"file: nothing is writable and executable", segments, 10, 1},
    {"file: no code runs before the entry is judged", constructors, 10, 1},
    {NULL, NULL, 0, 0}};
