/* SPDX-License-Identifier: Apache-2.0
 * JSON Schema (2020-12) of the site's own files, from the tables that also parse them. */
#include <string.h>

#include "core/bind/field.h"
#include "core/bind/keys.h"
#include "core/bind/site.h"

struct schema {
    const lintel_plugin *const *plugins;
    uint32_t n;
    struct lintel_buf *out;
};

static void
add(const struct schema *s, const char *text)
{
    lintel_buf_adds(s->out, text);
}

static void
head(const struct schema *s, const char *title)
{
    add(s, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":");
    lintel_buf_add_json_str(s->out, title, strlen(title));
    lintel_buf_addc(s->out, ',');
}

/* Members of a bus or transport: the hub's keys, and those of the plugin that it names. */
static void
ports(const struct schema *s, const char *key, uint32_t transport)
{
    lintel_buf_addf(
        s->out, "\"%s\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\",", key);
    lintel_fields_schema(lintel_port_table, s->out);
    add(s, ",\"allOf\":[");
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if ((s->plugins[i]->flags & LINTEL_PLUGIN_TRANSPORT) != transport)
            continue;
        lintel_buf_addf(s->out,
                        "%s{\"if\":{\"properties\":{\"plugin\":{\"const\":\"%s\"}}},\"then\":{",
                        count++ ? "," : "", s->plugins[i]->name);
        lintel_fields_schema(s->plugins[i]->bus, s->out);
        add(s, "}}");
    }
    /* An empty allOf is not allowed; this one holds for everything. */
    add(s, count ? "],\"unevaluatedProperties\":false}}" : "true]}}");
}

/* A table's rows, and two members that are no rows. */
static void
directory(const struct schema *s)
{
    struct lintel_buf own = {0};
    lintel_fields_schema(lintel_directory_table, &own);
    size_t open = own.failed ? 0 : strcspn(lintel_buf_str(&own), "{") + 1;
    add(s, "{\"type\":\"object\",\"additionalProperties\":false,");
    lintel_buf_add(s->out, own.p, open);
    add(s, "\"sectors\":{\"type\":\"object\",\"additionalProperties\":{\"enum\":["
           "\"first-come\",\"bound\",\"open\"]}},\"refuse\":{\"type\":\"array\",\"items\":{"
           "\"type\":\"object\",\"additionalProperties\":false,");
    lintel_fields_schema(lintel_refusal_table, s->out);
    add(s, "}},");
    lintel_buf_add(s->out, own.p + open, own.n - open);
    add(s, "}");
    s->out->failed |= own.failed;
    lintel_buf_fini(&own);
}

static void
print_site(const struct schema *s)
{
    head(s, "lintel.yaml");
    add(s, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"hub\":{\"type\":"
           "\"object\","
           "\"additionalProperties\":false,");
    lintel_fields_schema(lintel_hub_table, s->out);
    add(s, "},");
    ports(s, "buses", 0);
    add(s, ",");
    ports(s, "transports", LINTEL_PLUGIN_TRANSPORT);
    add(s, ",\"identities\":{\"type\":\"object\",\"propertyNames\":{\"pattern\":"
           "\"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$\"},\"additionalProperties\":{\"type\":\"object\","
           "\"additionalProperties\":false,");
    lintel_fields_schema(lintel_identity_table, s->out);
    add(s, "}},\"rights\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
           "\"additionalProperties\":false,");
    lintel_fields_schema(lintel_right_table, s->out);
    add(s, "}},\"audit\":{\"type\":\"object\",\"additionalProperties\":false,");
    lintel_fields_schema(lintel_audit_table, s->out);
    add(s, "},\"directory\":");
    directory(s);
    add(s, "}}");
}

/* The codec's keys; their values are judged by the codec, which knows the model. */
static void
codec_keys(const struct schema *s)
{
    add(s, "\"codec\":{\"properties\":{");
    for (uint32_t i = 0; lintel_codec_keys[i] != NULL; i++)
        lintel_buf_addf(s->out, "%s\"%s\":true", i ? "," : "", lintel_codec_keys[i]);
    add(s, ",\"sdfParameters\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\","
           "\"pattern\":\"^#.*sdfContext/[^/]+$\"}}}},\"pace\":{");
    lintel_fields_schema(lintel_pace_table, s->out);
    add(s, "}");
}

/* A table's keys where none is required: something else may stand in for them. */
static void
optional_fields(const struct schema *s, const lintel_field *table)
{
    uint32_t n = lintel_fields_count(table);
    lintel_field *copy = lintel_alloc_array((size_t)n + 1, sizeof *copy);
    if (copy == NULL) {
        s->out->failed = 1;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = table[i];
        copy[i].flags &= ~(uint32_t)LINTEL_F_REQUIRED;
    }
    lintel_fields_schema(copy, s->out);
    lintel_free(copy);
}

static void
map_schemas(const struct schema *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        const lintel_plugin *p = s->plugins[i];
        if (p->flags & LINTEL_PLUGIN_TRANSPORT)
            continue;
        lintel_buf_addf(s->out,
                        ",\"%s\":{\"type\":\"object\",\"allOf\":[{\"$ref\":\"#/$defs/codec\"},"
                        "{\"$ref\":\"#/$defs/pace\"}],",
                        p->name);
        add(s, "\"if\":{\"required\":[\"sdfParameters\"]},\"then\":{");
        optional_fields(s, p->address);
        add(s, "},\"else\":{");
        lintel_fields_schema(p->address, s->out);
        add(s, "},\"unevaluatedProperties\":false}");
    }
}

static void
print_binding(const struct schema *s)
{
    uint32_t count = 0;
    head(s, "binding (SDF Supplement)");
    add(s, "\"type\":\"object\",\"required\":[\"amend\"],\"properties\":{\"info\":{\"type\":"
           "\"object\"},"
           "\"namespace\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
           "\"defaultNamespace\":{\"type\":\"string\"},\"amend\":{\"type\":\"array\",\"items\":{"
           "\"type\":\"object\",\"additionalProperties\":{\"type\":[\"object\",\"null\"],"
           "\"properties\":{"
           "\"sdfProtocolMap\":{\"type\":\"object\",\"properties\":{");
    for (uint32_t i = 0; i < s->n; i++) {
        const char *name = s->plugins[i]->name;
        if (s->plugins[i]->flags & LINTEL_PLUGIN_TRANSPORT)
            continue;
        lintel_buf_addf(s->out,
                        "%s\"%s\":{\"if\":{\"anyOf\":[{\"required\":[\"read\"]},{\"required\":["
                        "\"write\"]}]},\"then\":{\"additionalProperties\":false,\"properties\":{"
                        "\"read\":{\"$ref\":\"#/$defs/%s\"},\"write\":{\"$ref\":\"#/$defs/%s\"}}},"
                        "\"else\":{\"$ref\":\"#/$defs/%s\"}}",
                        count++ ? "," : "", name, name, name, name);
    }
    add(s, "}},\"lintel:device\":{\"type\":\"object\",\"properties\":{");
    count = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->plugins[i]->flags & LINTEL_PLUGIN_TRANSPORT)
            continue;
        lintel_buf_addf(s->out, "%s\"%s\":{\"type\":\"object\",\"additionalProperties\":false,",
                        count++ ? "," : "", s->plugins[i]->name);
        optional_fields(s, s->plugins[i]->device);
        add(s, "}");
    }
    add(s,
        "}}}}}},\"lintel:tests\":{\"type\":\"array\",\"items\":{"
        "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"title\":{\"type\":"
        "\"string\"},"
        "\"sdfContext\":{\"type\":\"object\"},\"given\":{\"type\":\"object\"},\"expect\":{\"type\":"
        "\"object\"},\"write\":{\"type\":\"object\"},\"sends\":{\"type\":\"object\"},"
        "\"replay\":{\"type\":\"string\"},\"at\":{\"type\":\"number\",\"minimum\":0}}}}},\"$defs\":"
        "{");
    codec_keys(s);
    map_schemas(s);
    add(s, "}}");
}

static void
print_things(const struct schema *s)
{
    head(s, "things");
    add(s,
        "\"type\":\"array\",\"items\":{\"type\":\"object\",\"additionalProperties\":false,"
        "\"required\":["
        "\"thingId\",\"sdfInstanceOf\",\"sdfContext\"],\"properties\":{\"thingId\":{\"type\":"
        "\"string\","
        "\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$\"},\"sdfInstanceOf\":{\"type\":\"object\","
        "\"additionalProperties\":false,\"required\":[\"model\"],\"properties\":{\"model\":{"
        "\"type\":"
        "\"string\"}}},\"sdfContext\":{\"type\":\"object\",");
    lintel_fields_schema(lintel_context_table, s->out);
    /* Which plugin's settings count is said by the bus, in another file; what a binding gives needs
     * not stand here, and a binding may name keys of its own. So this helps editors more than it
     * judges. */
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->plugins[i]->flags & LINTEL_PLUGIN_TRANSPORT)
            continue;
        lintel_buf_addf(s->out, "%s{\"title\":\"on a %s bus\",", count++ ? "," : ",\"anyOf\":[",
                        s->plugins[i]->name);
        optional_fields(s, s->plugins[i]->device);
        add(s, "}");
    }
    add(s, count ? "]}}}}" : "}}}}");
}

int
lintel_schema_print(const char *which, const lintel_plugin *const *plugins, uint32_t n,
                    struct lintel_buf *out)
{
    struct schema s = {plugins, n, out};
    if (strcmp(which, "lintel.yaml") == 0)
        print_site(&s);
    else if (strcmp(which, "binding") == 0)
        print_binding(&s);
    else if (strcmp(which, "things") == 0)
        print_things(&s);
    else
        return -1;
    return out->failed ? -1 : 0;
}
