/* SPDX-License-Identifier: Apache-2.0
 * A disk that is slow, and one that refuses. */
#include <string.h>

#include "core/serve/fake_store.h"
#include "core/serve/rd_kit.h"
#include "tests/kit/kit.h"

#define ONE "/rd?ep=a&base=coap://h"

static struct lintel_store *store;

static void
begin(void)
{
    store = fake_store_new();
    k.loop = NULL;
    rd_begin_with(store);
}

static void
end(void)
{
    lintel_store_close(store);
    rd_end();
}

static void
slow(void)
{
    begin();
    CHECK(rd_ask(LINTEL_POST, ONE, "</x>") != 0);
    CHECK_INT(k.answers, 0);                             /* not before it is on the disk */
    CHECK_HAS(rd_get("/rd-lookup/ep?ep=a"), "ep=\"a\""); /* but there for all */
    fake_store_settle(store);
    CHECK_INT(k.code, IS(201));
    char where[80];
    memcpy(where, k.location, sizeof where);
    lintel_ticket t = rd_ask(LINTEL_DELETE, where, NULL);
    lintel_tree_abandon(k.tree, t); /* who asked has gone */
    int before = k.answers;
    fake_store_settle(store);
    CHECK_INT(k.answers, before);
    CHECK_INT(fake_store_n(store), 0);
    CHECK(rd_ask(LINTEL_POST, ONE, "</x>") != 0);
    end(); /* in the midst of it: answered by the end of the store */
    CHECK_INT(k.code, IS(201));
}

static void
refusing(void)
{
    begin();
    rd_ask(LINTEL_POST, ONE, "</x>");
    fake_store_settle(store);
    fake_store_full(store, 1);
    /* Answered all the same, and said where people look. */
    CHECK_INT(rd_code(LINTEL_POST, "/rd?ep=b&base=coap://h", "</y>"), IS(201));
    CHECK_HAS(rd_get("/hub/status"), "\"kept\":false");
    CHECK_HAS(k.text, "\"trouble\":\"no space left on device\"");
    char where[80];
    rd_get("/rd-lookup/ep?ep=a");
    memcpy(where, k.text + 1, 20);
    where[20] = '\0';
    CHECK_INT(rd_code(LINTEL_DELETE, where, NULL), IS(202));
    CHECK_INT(fake_store_n(store), 1);
    fake_store_full(store, 0);
    rd_ask(LINTEL_POST, "/rd?ep=c&base=coap://h", "</z>");
    fake_store_settle(store);
    CHECK_INT(k.code, IS(201));
    CHECK_HAS(rd_get("/hub/status"), "\"kept\":true");
    CHECK_INT(fake_store_n(store), 2); /* b, which had been refused, and c; a is gone */
    struct lintel_store *copy = fake_store_copy(store);
    end();
    store = copy;
    k.loop = NULL;
    rd_begin_with(store);
    CHECK_HAS(rd_get("/rd-lookup/ep"), "ep=\"b\"");
    CHECK_HAS(k.text, "ep=\"c\"");
    CHECK(strstr(k.text, "ep=\"a\"") == NULL);
    end();
}

/* Bytes that are no registration are passed over. */
static void
garbage(void)
{
    store = fake_store_new();
    CHECK_INT(lintel_store_put(store, 5, "nonsense", 8), 0);
    CHECK_INT(lintel_store_put(store, 6, "", 0), 0);
    k.loop = NULL;
    rd_begin_with(store);
    CHECK_STR(rd_get("/rd-lookup/ep"), "");
    end();
}

int
main(int argc, char **argv)
{
    static const struct kit_test tests[] = {KIT(slow), KIT(refusing), KIT(garbage), {0}};
    return kit_main("rd_soft", tests, argc, argv);
}
