/* SPDX-License-Identifier: Apache-2.0
 * lintel.yaml: the hub, its buses, its transports. */
#include <string.h>

#include "core/base/cbor.h"
#include "core/bind/field.h"
#include "core/bind/files.h"
#include "core/bind/keys.h"
#include "core/bind/reader.h"
#include "core/bind/tables.h"
#include "core/trust/secret.h"

const char *
lintel_reader_secret(void *ctx, const char *name, struct lintel_place at, struct lintel_arena *a,
                     struct lintel_report *report)
{
    struct lintel_reader *r = ctx;
    char text[LINTEL_SECRET_MOST + 1], reason[600];
    size_t n;
    const char *folder = lintel_path_join(r->scratch, r->s->dir, "secrets");
    if (folder == NULL)
        return lintel_reader_no_memory(r);
    if (r->files->secret(r->files->ctx, folder, name, text, &n, reason, sizeof reason) != 0) {
        lintel_error(report, at, "secret:%.64s: %s", name, reason);
        return NULL;
    }
    char *copy = lintel_arena_strndup(a, text, n);
    struct lintel_kept_secret *kept = lintel_arena_alloc(r->a, sizeof *kept);
    lintel_secret_wipe(text, sizeof text);
    if (copy == NULL || kept == NULL) {
        lintel_secret_wipe(copy, copy ? n : 0);
        return lintel_reader_no_memory(r);
    }
    *kept = (struct lintel_kept_secret){r->site->secrets, copy, n};
    r->site->secrets = kept;
    return copy;
}

static void
read_isolation(struct lintel_reader *r, struct lintel_port *port, const char *word,
               struct lintel_place at)
{
    static const char *const words[] = {"thread", "process", "process:NAME", NULL};
    char hint[LINTEL_HINT];
    int process = strcmp(word, "process") == 0, shared = strncmp(word, "process:", 8) == 0;
    if (strcmp(word, "thread") == 0) {
        port->isolation = LINTEL_ISOLATION_THREAD;
    } else if (process || (shared && lintel_is_id(word + 8))) {
        port->isolation = LINTEL_ISOLATION_PROCESS;
        port->process = shared ? word + 8 : NULL;
    } else if (shared) {
        lintel_error(
            r->report, at,
            "isolation: the name behind \"process:\" must be letters, digits, '.', '_', '-', at "
            "most 63, the first one a letter or digit");
    } else {
        lintel_error(r->report, at,
                     "isolation: \"%.64s\" is not one of thread, process, process:NAME%s", word,
                     lintel_hint(hint, word, words));
    }
}

/* What speaks to devices may stand still, or use a library that ends its process when memory is
 * out; what did not come with the hub is not known. Neither shares the daemon's memory. */
static int
wants_process(const struct lintel_reader *r, const struct lintel_port *port, int is_transport)
{
    return !is_transport || (r->s->plugin_own != NULL &&
                             !r->s->plugin_own(r->s->plugin_ctx, port->plugin, port->plugin_file));
}

const lintel_plugin *
lintel_port_code(const struct lintel_port *p)
{
    return p->code != NULL ? p->code : p->plugin;
}

/* What the hub itself runs: a plugin in a thread of it; and functions of those that came with it,
 * wherever they run (lintel/ext/plan.h). Nothing of others. */
static void
find_code(struct lintel_reader *r, struct lintel_port *port, struct lintel_place at)
{
    char reason[600];
    int wanted = port->isolation == LINTEL_ISOLATION_THREAD;
    if (r->s->plugin_code == NULL)
        return;
    port->code = r->s->plugin_code(r->s->plugin_ctx, port->plugin, wanted, reason, sizeof reason);
    if (port->code == NULL && wanted)
        lintel_error(r->report, at, "plugin \"%s\" can't run inside of the hub: %s",
                     port->plugin->name, reason);
}

/* The hub's keys of a bus or transport. */
static void
read_own_keys(struct lintel_reader *r, const struct lintel_doc *doc, const struct lintel_node *map,
              struct lintel_port *port, int is_transport)
{
    struct lintel_field_source source = {.doc = doc,
                                         .map = map,
                                         .what = is_transport ? "a transport" : "a bus",
                                         .at = port->at,
                                         .flags = LINTEL_FIELDS_OPEN};
    lintel_value *own = lintel_fields_parse(lintel_port_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    const struct lintel_node *name = lintel_node_get(map, "plugin");
    port->plugin = r->s->plugin(r->s->plugin_ctx, own[LINTEL_PORT_PLUGIN].as.s,
                                lintel_node_place(doc, name), &port->plugin_file, r->report);
    if (port->plugin != NULL && !(port->plugin->flags & LINTEL_PLUGIN_TRANSPORT) != !is_transport) {
        lintel_error(r->report, lintel_node_place(doc, name),
                     is_transport ? "plugin \"%s\" speaks to devices; it belongs under \"buses\""
                                  : "plugin \"%s\" is a transport; it belongs under \"transports\"",
                     port->plugin->name);
        port->plugin = NULL;
    }
    port->isolation = port->plugin != NULL && wants_process(r, port, is_transport)
                          ? LINTEL_ISOLATION_PROCESS
                          : LINTEL_ISOLATION_THREAD;
    if (own[LINTEL_PORT_ISOLATION].type == LINTEL_T_STR)
        read_isolation(r, port, own[LINTEL_PORT_ISOLATION].as.s,
                       lintel_node_place(doc, lintel_node_get(map, "isolation")));
    if (port->plugin != NULL)
        find_code(r, port, lintel_node_place(doc, name));
    port->log = own[LINTEL_PORT_LOG].type == LINTEL_T_INT ? (int32_t)own[LINTEL_PORT_LOG].as.i : -1;
    port->memory = (uint32_t)own[LINTEL_PORT_MEMORY].as.i;
}

enum { DIGEST_FILE_MOST = 1 << 20 };

/* What stands in a file that a transport's setting names: a certificate that was renewed is a
 * change. What can't be read here is for the plugin to judge. Of buses such files are left alone:
 * they are devices and data. */
static void
digest_file(struct lintel_reader *r, struct lintel_buf *b, const char *path)
{
    struct lintel_report quiet = {0};
    char *text = NULL;
    size_t n = 0;
    if (r->files->read(r->files->ctx, path, DIGEST_FILE_MOST, &text, &n, &quiet) == 0)
        lintel_cbor_bytes(b, text, n);
    lintel_free(text);
    lintel_report_fini(&quiet);
}

static void
digest_files(struct lintel_reader *r, struct lintel_buf *b, const lintel_field *f,
             const lintel_value *v)
{
    if (!(f->flags & LINTEL_F_FILE))
        return;
    if (v->type == LINTEL_T_STR)
        digest_file(r, b, v->as.s);
    for (uint32_t i = 0; v->type == LINTEL_T_LIST && i < v->len; i++)
        digest_file(r, b, v->as.list[i].as.s);
}

/* A new version of the plugin is no change of the site: its code is taken in by `lintel plugin
 * reload`. Other tables are one, since nothing that was read by the old ones fits it. */
static void
port_digest(struct lintel_reader *r, struct lintel_port *port)
{
    struct lintel_buf b = {0};
    uint8_t tables[LINTEL_TABLES];
    if (lintel_plugin_tables(port->plugin, tables) != 0) {
        lintel_reader_no_memory(r);
        return;
    }
    lintel_digest_str(&b, port->name);
    lintel_digest_str(&b, port->plugin->name);
    lintel_buf_add(&b, tables, sizeof tables);
    lintel_digest_str(&b, port->plugin_file);
    lintel_digest_str(&b, port->process);
    lintel_cbor_int(&b, port->isolation);
    lintel_cbor_int(&b, port->log);
    lintel_cbor_uint(&b, port->memory);
    for (uint32_t i = 0; i < lintel_fields_count(port->plugin->bus); i++) {
        lintel_cbor_value(&b, &port->settings[i]);
        if (port->plugin->flags & LINTEL_PLUGIN_TRANSPORT)
            digest_files(r, &b, &port->plugin->bus[i], &port->settings[i]);
    }
    if (lintel_digest(&b, port->digest) != 0)
        lintel_reader_no_memory(r);
    lintel_secret_wipe(b.p, b.n);
    lintel_buf_fini(&b);
}

static int
is_port_name(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] <= ' ' || s[i] == '/' || s[i] == 0x7f)
            return 0;
    return n > 0 && n <= 63;
}

/* One member of "buses" or "transports". */
static void
read_port(struct lintel_reader *r, const struct lintel_doc *doc, const char *path,
          const struct lintel_node *map, struct lintel_port *port, int is_transport)
{
    struct lintel_place at = lintel_key_place(doc, map);
    port->name = lintel_arena_strndup(r->a, map->key.p, map->key.n);
    port->at = lintel_reader_keep(path, at);
    port->log = -1;
    if (port->name == NULL)
        return;
    const struct lintel_port *other = lintel_map_get(&r->ports, map->key.p, map->key.n);
    if (!is_port_name(port->name))
        lintel_error(r->report, at,
                     "a name must have 1 to 63 characters, no blank and no '/' among them");
    else if (other != NULL)
        lintel_error(r->report, at, "the name \"%s\" is taken: %s:%u:%u; choose another",
                     port->name, other->at.file, other->at.line, other->at.column);
    else
        lintel_reader_put(r, &r->ports, map->key.p, map->key.n, port);
    if (map->kind != LINTEL_NODE_MAP) {
        lintel_error(r->report, lintel_node_place(doc, map),
                     "\"%s\" must be a map with a plugin: { plugin: ... }", port->name);
        return;
    }
    read_own_keys(r, doc, map, port, is_transport);
    if (port->plugin == NULL)
        return;
    char what[64];
    (void)lintel_format(what, sizeof what, "a %s %s", port->plugin->name,
                        is_transport ? "transport" : "bus");
    struct lintel_field_source source = {.doc = doc,
                                         .map = map,
                                         .also = lintel_port_keys,
                                         .what = what,
                                         .folder = r->folder,
                                         .at = at,
                                         .secret = lintel_reader_secret,
                                         .secret_ctx = r};
    port->settings = lintel_fields_parse(port->plugin->bus, &source, r->a, r->report);
    if (port->settings != NULL)
        port_digest(r, port);
}

static uint32_t
read_ports(struct lintel_reader *r, const struct lintel_doc *doc, const char *path, const char *key,
           struct lintel_port **ret)
{
    const struct lintel_node *map = lintel_node_get(doc->root, key);
    if (map == NULL || lintel_node_is_null(map))
        return 0;
    if (map->kind != LINTEL_NODE_MAP) {
        lintel_error(r->report, lintel_node_place(doc, map), "%s: must be a map of names", key);
        return 0;
    }
    struct lintel_port *ports = lintel_arena_alloc(r->a, map->n * sizeof *ports);
    if (ports == NULL)
        return 0;
    uint32_t n = 0;
    for (const struct lintel_node *c = map->child; c != NULL; c = c->next)
        read_port(r, doc, path, c, &ports[n++], strcmp(key, "transports") == 0);
    *ret = ports;
    return n;
}

static void
read_hub(struct lintel_reader *r, const struct lintel_doc *doc)
{
    const struct lintel_node *hub = lintel_node_get(doc->root, "hub");
    struct lintel_field_source source = {
        .doc = doc, .map = hub, .what = "hub", .at = lintel_node_place(doc, doc->root)};
    lintel_value *own = lintel_fields_parse(lintel_hub_table, &source, r->a, r->report);
    if (own == NULL)
        return;
    r->site->pub.name = own[LINTEL_HUB_NAME].as.s;
    if (!lintel_is_id(r->site->pub.name))
        lintel_error(r->report, lintel_node_place(doc, lintel_node_get(hub, "name")),
                     "name: \"%.64s\" can't be a part of SenML names; letters, digits, '.', '_', "
                     "'-', at most "
                     "63, the first one a letter or digit",
                     r->site->pub.name);
}

void
lintel_reader_ports(struct lintel_reader *r)
{
    static const char *const keys[] = {"hub",    "buses", "transports", "identities",
                                       "rights", "audit", "directory",  NULL};
    const char *path = lintel_path_join(r->a, r->s->dir, "lintel.yaml");
    struct lintel_doc *doc;
    r->no_ports = 1;
    if (path == NULL)
        return;
    int failed = lintel_reader_doc(r, path, &doc);
    if (failed > 0)
        lintel_error(r->report, (struct lintel_place){path, 0, 0},
                     "there is no such file; a site is a folder with a lintel.yaml in it");
    if (failed != 0)
        return;
    if (doc->root->kind == LINTEL_NODE_MAP) {
        r->no_ports = 0;
        lintel_reader_keys(r, doc, doc->root, keys, "lintel.yaml");
        read_hub(r, doc);
        r->site->pub.nbuses = read_ports(r, doc, path, "buses", &r->site->pub.buses);
        r->site->pub.ntransports = read_ports(r, doc, path, "transports", &r->site->pub.transports);
        lintel_reader_rights(r, doc, path);
        lintel_reader_directory(r, doc);
    } else {
        lintel_error(
            r->report, lintel_node_place(doc, doc->root),
            "lintel.yaml must be a map with hub, buses, transports, identities and rights");
    }
    lintel_doc_free(doc);
}
