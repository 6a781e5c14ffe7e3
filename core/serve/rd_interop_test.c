/* SPDX-License-Identifier: Apache-2.0
 * The interoperability tests TD_CoRE_resource-directory_01 to 15 of the working group, in their
 * order: each begins with what those before have left. They are older than RFC 9176; where they
 * differ, what it says is tested:
 *
 *   01, 02       /rd-group and the lookup of groups are gone: a group is an endpoint with et
 *   03           simple registration is at /.well-known/rd, and answered after the links were read
 *   04           an anchor is a URI or begins with '/'
 *   06, 07, 14   a group is registered at /rd, and found among the endpoints
 *   08           links come back without an anchor that was not registered
 *
 * Real datagrams and multicast: tests/integration/directory.sh and groups.sh. LwM2M (RFC 9176
 * section 10.2): rd_test. */
#include <stdio.h>
#include <string.h>

#include "core/serve/rd_kit.h"
#include "tests/kit/kit.h"

#define NODE1 "coap://[2001:db8:4::11]"
#define NODE2 "coap://[2001:db8:4::12]"
#define SENSORS                                                                                    \
    "</sensors/temp>;ct=41;rt=\"temperature-c\";if=\"sensor\";"                                    \
    "anchor=\"coap://spurious.example.com:5683\","                                                 \
    "</sensors/light>;ct=41;rt=\"light-lux\";if=\"sensor\""
#define LIGHTS(base)                                                                               \
    "<" base "/light/left>;rt=\"light\";ct=0,<" base "/light/middle>;rt=\"light\";ct=0,"           \
    "<" base "/light/right>;rt=\"light\";ct=0"
#define TEMPERATURES(base)                                                                         \
    "<" base "/temp>;rt=\"temperature\";ct=0,<" base "/light>;rt=\"light-lux\";ct=0,"              \
    "<" base "/t>;anchor=\"" base "/sensors/temp\";rel=\"alternate\","                             \
    "<http://www.example.com/sensors/t123>;anchor=\"" base "/sensors/temp\";rel=\"describedby\""
#define RD "</rd>;rt=\"core.rd\";ct=40"
#define EP "</rd-lookup/ep>;rt=\"core.rd-lookup-ep\";ct=40;obs"
#define RES "</rd-lookup/res>;rt=\"core.rd-lookup-res\";ct=40;obs"

static char node1[80], node2[80], node3[80], group[80]; /* where they are registered */

static void
td_01_discover_directory_by_multicast(void)
{
    k.who.flags |= LINTEL_X_MULTICAST;
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd"), RD);
    CHECK_INT(k.answer_format, LINTEL_FORMAT_LINK);
    k.who.flags &= ~(uint32_t)LINTEL_X_MULTICAST;
}

static void
td_02_discover_all_resources_by_multicast(void)
{
    k.who.flags |= LINTEL_X_MULTICAST;
    CHECK_STR(rd_get("/.well-known/core?rt=core.rd*"), RD "," EP "," RES);
    k.who.flags &= ~(uint32_t)LINTEL_X_MULTICAST;
}

static void
td_03_simple_registration(void)
{
    k.who.origin = NODE1;
    CHECK(rd_ask(LINTEL_POST, "/.well-known/rd?lt=6000&ep=node1", NULL) != 0);
    CHECK_STR(k.uri, NODE1 "/.well-known/core");
    rd_reply(IS(205), LINTEL_FORMAT_LINK, 6000, NULL, SENSORS);
    CHECK_INT(k.code, IS(204));
    CHECK_INT(k.n, 0);
    CHECK_STR(k.location, "");
    rd_get("/rd-lookup/ep?ep=node1");
    snprintf(node1, sizeof node1, "%.20s", k.text + 1);
}

static void
td_04_registrant_registration(void)
{
    k.who.origin = NODE2;
    rd_register("ep=node2", TEMPERATURES(""), node2);
    CHECK_INT(k.n, 0);
    CHECK(strncmp(node2, "/rd/", 4) == 0);
}

static void
td_05_third_party_registration(void)
{
    k.who.origin = "coap://[2001:db8:4::99]";
    rd_register("ep=node3&base=coap://[2001:db8:4::1]", LIGHTS(""), node3);
    CHECK_INT(k.n, 0);
}

static void
td_06_group_registration(void)
{
    rd_register("ep=lights&et=core.rd-group&base=coap://[ff35:30:2001:db8::1]", LIGHTS(""), group);
    CHECK_INT(k.n, 0);
}

static void
td_07_group_lookup(void)
{
    char expected[300];
    snprintf(expected, sizeof expected,
             "<%s>;ep=\"lights\";base=\"coap://[ff35:30:2001:db8::1]\";rt=\"core.rd-ep\";"
             "et=\"core.rd-group\"",
             group);
    CHECK_STR(rd_get("/rd-lookup/ep?et=core.rd-group"), expected);
    CHECK_INT(k.answer_format, LINTEL_FORMAT_LINK);
}

static void
td_08_resource_lookup(void)
{
    CHECK_STR(rd_get("/rd-lookup/res?rt=temperature"), "<" NODE2 "/temp>;rt=\"temperature\";ct=0");
    CHECK_INT(k.answer_format, LINTEL_FORMAT_LINK);
}

static void
td_09_group_removal(void)
{
    CHECK_INT(rd_code(LINTEL_DELETE, group, NULL), IS(202));
    CHECK_INT(k.n, 0);
}

static void
td_10_endpoint_lookup(void)
{
    char expected[200];
    snprintf(expected, sizeof expected, "<%s>;ep=\"node2\";base=\"" NODE2 "\";rt=\"core.rd-ep\"",
             node2);
    CHECK_STR(rd_get("/rd-lookup/ep?rt=temperature"), expected);
}

static void
td_11_read_endpoint_links(void)
{
    CHECK_STR(rd_get(node1), SENSORS);
    CHECK_INT(k.answer_format, LINTEL_FORMAT_LINK);
}

static void
td_12_registration_removal(void)
{
    CHECK_INT(rd_code(LINTEL_DELETE, node1, NULL), IS(202));
    CHECK_INT(k.n, 0);
    CHECK_INT(rd_code(LINTEL_GET, node1, NULL), IS(404));
}

static void
td_13_registration_update(void)
{
    char uri[200];
    snprintf(uri, sizeof uri, "%s?base=coaps://new.example.com:5684", node2);
    CHECK_INT(rd_code(LINTEL_POST, uri, NULL), IS(204));
    CHECK_INT(k.n, 0);
}

static void
td_14_group_lookup_without_groups(void)
{
    CHECK_STR(rd_get("/rd-lookup/ep?et=core.rd-group"), "");
    CHECK_INT(k.code, IS(205));
}

static void
td_15_remaining_resources(void)
{
    CHECK_STR(rd_get("/rd-lookup/res"),
              TEMPERATURES("coaps://new.example.com:5684") "," LIGHTS("coap://[2001:db8:4::1]"));
}

static void
td_core_resource_directory(void)
{
    rd_begin();
    td_01_discover_directory_by_multicast();
    td_02_discover_all_resources_by_multicast();
    td_03_simple_registration();
    td_04_registrant_registration();
    td_05_third_party_registration();
    td_06_group_registration();
    td_07_group_lookup();
    td_08_resource_lookup();
    td_10_endpoint_lookup();
    td_09_group_removal();
    td_11_read_endpoint_links();
    td_12_registration_removal();
    td_13_registration_update();
    td_14_group_lookup_without_groups();
    td_15_remaining_resources();
    rd_end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(td_core_resource_directory), {0}};
    return kit_main("rd_interop", tests, argc, argv);
}
