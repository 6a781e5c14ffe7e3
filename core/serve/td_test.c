/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "core/serve/fake_engine.h"
#include "core/serve/format.h"
#include "core/serve/tree.h"
#include "tests/kit/kit.h"

static struct {
    struct lintel_loop *loop;
    struct lintel_engine *engine;
    struct lintel_tree *tree;
    uint32_t code, netag;
    int32_t format;
    char text[32768];
    json_t *td;
} h;

static void
on_answer(void *ctx, void *cookie, const lintel_answer *a)
{
    (void)ctx, (void)cookie;
    h.code = a->code;
    h.format = a->format;
    h.netag = a->netag;
    CHECK(a->payload.n < sizeof h.text);
    memcpy(h.text, a->payload.p, a->payload.n);
    h.text[a->payload.n] = '\0';
}

static void
derive(void *ctx, const void *label, size_t n, uint8_t ret[32])
{
    (void)ctx;
    memset(ret, 0xff, 32);
    memcpy(ret, label, n < 32 ? n : 32);
}

static void
begin(void)
{
    memset(&h, 0, sizeof h);
    h.loop = lintel_loop_new_fake();
    h.engine = fake_engine_new(h.loop);
    h.tree = lintel_tree_new(&(struct lintel_tree_source){
        .engine = h.engine, .loop = h.loop, .hub_name = "plant-7", .derive = derive});
}

static void
end(void)
{
    json_decref(h.td);
    lintel_tree_free(h.tree);
    fake_engine_free(h.engine);
    lintel_loop_free(h.loop);
}

/* GETs a path; h.td is the answer where it is JSON. */
static void
get(const char *path, const char *thing, int32_t accept, const char *base)
{
    lintel_span segments[8];
    uint32_t n = 0;
    for (const char *p = path; *p != '\0'; n++) {
        size_t length = strcspn(p, "/");
        segments[n] = (lintel_span){p, length};
        p += length + (p[length] == '/');
    }
    lintel_exchange x = {.size = sizeof x,
                         .method = LINTEL_GET,
                         .flags = LINTEL_X_LOOPBACK,
                         .format = LINTEL_FORMAT_NONE,
                         .path = segments,
                         .npath = n,
                         .accept = &accept,
                         .naccept = accept != LINTEL_FORMAT_NONE,
                         .identity = "",
                         .peer = "test",
                         .thing = thing,
                         .base = base};
    CHECK_INT(lintel_tree_submit(h.tree, &x, on_answer, &h), 0);
    json_decref(h.td);
    h.td = json_loads(h.text, 0, NULL);
}

static const char *
text(const json_t *at, const char *key)
{
    const char *s = json_string_value(json_object_get(at, key));
    return s != NULL ? s : "(none)";
}

static const json_t *
at(const char *kind, const char *name)
{
    return json_object_get(json_object_get(h.td, kind), name);
}

static void
describes_a_thing(void)
{
    begin();
    get("d/main-meter/td", NULL, LINTEL_FORMAT_NONE, "coap://[::1]");
    CHECK_INT(h.code, LINTEL_CODE(2, 5));
    CHECK_INT(h.format, 432);
    CHECK_INT(h.netag, 8);
    CHECK_STR(json_string_value(json_array_get(json_object_get(h.td, "@context"), 0)),
              "https://www.w3.org/2022/wot/td/v1.1");
    CHECK_STR(text(h.td, "title"), "Main \"meter\"");
    CHECK_STR(text(h.td, "base"), "coap://[::1]/d/main-meter/");
    CHECK_STR(text(h.td, "id"),
              "urn:uuid:7468696e-673a-8d61-a96e-2d6d65746572"); /* "thing:main-meter" */
    CHECK_STR(text(json_array_get(json_object_get(h.td, "links"), 0), "href"),
              "coap://[::1]/models/acme-em1");

    const json_t *power = at("properties", "activePower");
    CHECK_STR(text(power, "unit"), "W");
    CHECK(json_is_true(json_object_get(power, "readOnly")));
    const json_t *forms = json_object_get(power, "forms");
    CHECK_INT(json_array_size(forms), 4);
    CHECK_STR(text(json_array_get(forms, 0), "href"), "Device/p/activePower");
    CHECK_STR(text(json_array_get(forms, 0), "contentType"), "application/json");
    CHECK_STR(text(json_array_get(forms, 2), "contentType"), "application/senml+json");
    CHECK_INT(json_array_size(json_object_get(json_array_get(forms, 0), "op")), 3);

    CHECK(json_is_true(json_object_get(at("properties", "secret"), "writeOnly")));
    CHECK_INT(json_array_size(json_object_get(
                  json_array_get(json_object_get(at("properties", "setPoint"), "forms"), 0), "op")),
              4);
    CHECK(at("properties", "serial") == NULL); /* the binding does not say how */
    CHECK(json_is_object(json_object_get(at("actions", "dim"), "input")));
    CHECK(json_object_get(at("actions", "identify"), "input") == NULL);
    CHECK_STR(text(json_object_get(at("events", "pressed"), "data"), "type"), "string");
    end();
}

/* At its own address paths begin at the root, and how to prove oneself follows the listener. */
static void
describes_it_at_its_own_address(void)
{
    begin();
    get(".well-known/wot", "main-meter", 50, "coaps://[fd00::1]");
    CHECK_INT(h.code, LINTEL_CODE(2, 5));
    CHECK_INT(h.format, 50);
    CHECK_STR(text(h.td, "base"), "coaps://[fd00::1]/");
    CHECK_STR(json_string_value(json_array_get(json_object_get(h.td, "security"), 0)), "psk_sc");
    get("td", "main-meter", 50, "coaps://[fd00::1]");
    CHECK_INT(h.code, LINTEL_CODE(4, 4));
    end();
}

static void
describes_the_hub(void)
{
    begin();
    get(".well-known/wot", NULL, LINTEL_FORMAT_NONE, "coap://[::1]");
    CHECK_STR(text(h.td, "@type"), "ThingDirectory");
    CHECK_STR(text(h.td, "title"), "plant-7");
    get("tdd/things", NULL, 50, "coap://[::1]");
    CHECK_INT(json_array_size(h.td), 2);
    CHECK_STR(text(json_array_get(h.td, 1), "title"), "lamp-1");
    get("tdd/things/lamp-1", NULL, 432, "coap://[::1]");
    CHECK_STR(text(h.td, "title"), "lamp-1");
    get("tdd/things/lamp-9", NULL, 432, "coap://[::1]");
    CHECK_INT(h.code, LINTEL_CODE(4, 4));
    CHECK_HAS(h.text, "did you mean lamp-1?");
    get("tdd/other", NULL, 50, "coap://[::1]");
    CHECK_INT(h.code, LINTEL_CODE(4, 4));
    end();
}

static void
refuses_other_formats(void)
{
    begin();
    get("d/main-meter/td", NULL, 60, "coap://[::1]");
    CHECK_INT(h.code, LINTEL_CODE(4, 6));
    CHECK_HAS(h.text, "432");
    get("tdd/things", NULL, 60, "coap://[::1]");
    CHECK_INT(h.code, LINTEL_CODE(4, 6));
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(describes_a_thing),
                                            KIT(describes_it_at_its_own_address),
                                            KIT(describes_the_hub),
                                            KIT(refuses_other_formats),
                                            {0}};
    return kit_main("td", tests, argc, argv);
}
