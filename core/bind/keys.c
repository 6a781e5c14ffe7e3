/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bind/keys.h"

#include <string.h>

#include "core/bind/site.h"

const lintel_field lintel_hub_table[] = {
    {.name = "name",
     .help = "Name of this hub; the first part of every SenML name.",
     .dflt = "hub",
     .type = LINTEL_T_STR},
    {0}};

const lintel_field lintel_directory_table[] = {
    {.name = "sector",
     .help = "The sector of endpoints that name none (d).",
     .dflt = "",
     .type = LINTEL_T_STR},
    {.name = "policy",
     .help = "Who may use a name: first-come (who registered an endpoint keeps it as long as it is "
             "active), bound (an endpoint is named like the identity that registers it) or open "
             "(anybody who may register).",
     .choices = "first-come|bound|open",
     .dflt = "first-come",
     .type = LINTEL_T_STR},
    {.name = "keep",
     .help = "Registrations survive a restart; they are answered when they are on the disk.",
     .dflt = "yes",
     .type = LINTEL_T_BOOL},
    {.name = "perClient",
     .help = "Active registrations of one client that is not authenticated, at most.",
     .dflt = "1000",
     .min = 1,
     .max = 10000000,
     .type = LINTEL_T_INT},
    {.name = "maxRegistrations",
     .help = "Active registrations, at most; the hub's own things count.",
     .dflt = "200000",
     .min = 1,
     .max = 10000000,
     .type = LINTEL_T_INT},
    {.name = "maxLinks",
     .help = "Links of active registrations, at most.",
     .dflt = "2000000",
     .min = 1,
     .max = 100000000,
     .type = LINTEL_T_INT},
    {.name = "maxAnswer",
     .help = "The longest answer to a lookup; beyond it the client must ask for pages.",
     .unit = "MiB",
     .dflt = "64",
     .min = 1,
     .max = 1024,
     .type = LINTEL_T_INT},
    {.name = "lwm2mObjects",
     .help = "Lookups of resources show the objects of LwM2M clients.",
     .dflt = "no",
     .type = LINTEL_T_BOOL},
    {0}};

const lintel_field lintel_refusal_table[] = {
    {.name = "who",
     .help = "Identities and roles; anybody: all, also those that are not known.",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_REQUIRED},
    {.name = "links",
     .help = "What no link of theirs may have: all of these, each like a query of a lookup, "
             "\"rt=oma.fw*\".",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_REQUIRED},
    {0}};

const lintel_field lintel_port_table[] = {
    {.name = "plugin",
     .help = "The plugin that speaks here.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED},
    {.name = "isolation",
     .help = "Where the plugin runs: thread (inside the daemon), process (a child of its own) or "
             "process:NAME (a child shared by all that name it). A bus gets a process unless this "
             "says otherwise, and so does a transport that did not come with the hub.",
     .type = LINTEL_T_STR},
    {.name = "log",
     .help = "The most detailed messages of the plugin that are logged.",
     .choices = "error|warn|info|debug",
     .type = LINTEL_T_STR},
    {.name = "memory",
     .help = "What the plugin's process may use, where it has one; the largest of those who share "
             "it counts.",
     .dflt = "512",
     .unit = "MiB",
     .min = 16,
     .max = 1048576,
     .type = LINTEL_T_INT},
    {0}};

const lintel_field lintel_context_table[] = {
    {.name = "bus",
     .help = "The bus of lintel.yaml that the thing is reached by.",
     .type = LINTEL_T_STR,
     .flags = LINTEL_F_REQUIRED},
    {.name = "zone",
     .help = "The zone that the thing belongs to; its sector in the directory.",
     .dflt = "",
     .type = LINTEL_T_STR},
    {.name = "location",
     .help = "Where the thing is, for people.",
     .dflt = "",
     .type = LINTEL_T_STR},
    {.name = "tags", .help = "Words to find the thing by.", .dflt = "", .type = LINTEL_T_LIST},
    {.name = "label", .help = "What people call the thing.", .dflt = "", .type = LINTEL_T_STR},
    {0}};

/* A year is longer than anybody waits, and far from what overflows in nanoseconds. */
const lintel_field lintel_pace_table[] = {
    {.name = "poll",
     .help = "Seconds between reads; 0: only on demand or by push. Without it 10, and 0 for "
             "protocols whose values come by themselves.",
     .unit = "s",
     .min = 0,
     .max = 31536000,
     .type = LINTEL_T_REAL},
    {.name = "stale",
     .help = "Seconds until a value that was not refreshed is stale; 0: never. Without it three "
             "times poll.",
     .unit = "s",
     .min = 0,
     .max = 31536000,
     .type = LINTEL_T_REAL},
    {.name = "deadband",
     .help = "The smallest change that is passed on, in the model's unit; 0: every change.",
     .min = 0,
     .max = 1e300,
     .type = LINTEL_T_REAL},
    {0}};

const lintel_field lintel_identity_table[] = {
    {.name = "roles",
     .help = "The roles that it has; rows of rights name them.",
     .dflt = "",
     .type = LINTEL_T_LIST},
    {.name = "psk",
     .help =
         "Its pre-shared key: 16 to 64 bytes, as 0x and hexadecimal digits or as text. Several, "
         "with a pskIdentity each, while a key is rolled.",
     .dflt = "",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_SECRET},
    {.name = "pskIdentity",
     .help = "What it calls itself in the handshake, one for each key; without it, its name.",
     .dflt = "",
     .type = LINTEL_T_LIST},
    {.name = "certificate",
     .help = "The name in its certificate. Several, while one is rolled to another name.",
     .dflt = "",
     .type = LINTEL_T_LIST},
    {.name = "issuer",
     .help = "Who signed the certificate: the whole name, as in \"O=Example, CN=Example CA\" (a "
             "refusal in the audit trail shows it). Several, while it moves from one to another. "
             "Without it, whomever the listener trusts.",
     .dflt = "",
     .type = LINTEL_T_LIST},
    {0}};

const lintel_field lintel_right_table[] = {
    {.name = "who",
     .help = "Identities and roles; \"anybody\": everybody who reaches a listener, known or not; "
             "\"local\": loopback and the local socket.",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_REQUIRED},
    {.name = "zones",
     .help = "Zones of things and sectors of the directory; \"all\": all of them, and what has "
             "none; an empty text: what has none.",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_REQUIRED},
    {.name = "may",
     .help = "What they may do there: read, write (set points and actions), register (endpoints in "
             "the directory), manage (the hub itself: its zones are \"all\").",
     .type = LINTEL_T_LIST,
     .flags = LINTEL_F_REQUIRED},
    {0}};

const lintel_field lintel_audit_table[] = {
    {.name = "records",
     .help = "How many records of writes, actions and refusals are kept; the oldest go.",
     .dflt = "1000000",
     .min = 1000,
     .max = 100000000,
     .type = LINTEL_T_INT},
    {.name = "days",
     .help = "How long they are kept; 0: as long as there is room.",
     .dflt = "0",
     .unit = "d",
     .min = 0,
     .max = 36500,
     .type = LINTEL_T_INT},
    {0}};

const char *const lintel_port_keys[] = {"plugin", "isolation", "log", "memory", NULL};
const char *const lintel_pace_keys[] = {"poll", "stale", "deadband", NULL};
const char *const lintel_context_keys[] = {"bus", "zone", "location", "tags", "label", NULL};
const char *const lintel_map_keys[] = {"read", "write", "sdfParameters", NULL};

int
lintel_is_id(const char *s)
{
    size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return n > 0 && n <= 63 && s[n] == '\0' && strchr("._-", s[0]) == NULL;
}

static const char *
reused(const lintel_field *table, const char *const *keys)
{
    for (const lintel_field *f = table; f != NULL && f->name != NULL; f++)
        for (const char *const *k = keys; *k != NULL; k++)
            if (strcmp(f->name, *k) == 0)
                return f->name;
    return NULL;
}

int
lintel_plugin_judge(const lintel_plugin *p, char *reason, size_t size)
{
    const struct {
        const char *what;
        const lintel_field *table;
        const char *const *keys[4];
    } tables[] = {
        {"bus", p->bus, {lintel_port_keys}},
        {"device", p->device, {lintel_context_keys}},
        {"address", p->address, {lintel_codec_keys, lintel_pace_keys, lintel_map_keys}},
    };
    char why[200];
    for (const lintel_field *f = p->address; f != NULL && f->name != NULL; f++) {
        if (f->flags & LINTEL_F_SECRET) {
            (void)lintel_format(
                reason, size,
                "the table of address keys: \"%s\" can't be a secret: bindings are shared",
                f->name);
            return -1;
        }
    }
    for (size_t i = 0; i < LINTEL_COUNT(tables); i++) {
        if (lintel_fields_judge(tables[i].table, why, sizeof why) != 0) {
            (void)lintel_format(reason, size, "the table of %s keys: %s", tables[i].what, why);
            return -1;
        }
        for (size_t k = 0; k < 4 && tables[i].keys[k] != NULL; k++) {
            const char *name = reused(tables[i].table, tables[i].keys[k]);
            if (name != NULL) {
                (void)lintel_format(reason, size,
                                    "the table of %s keys: \"%s\" is a key of the hub's",
                                    tables[i].what, name);
                return -1;
            }
        }
    }
    return 0;
}
