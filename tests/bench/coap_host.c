/* SPDX-License-Identifier: Apache-2.0
 * The CoAP transport by itself, for measurements: a tree that answers every request with a
 * constant.
 *
 *   coap_host COAP.SO [PORT [IDENTITY KEY]]
 *
 * Listens on [::1], with an identity and its key for DTLS; port 0 takes a free one, which is
 * printed. */
#include "plugins/coap/coap_testhost.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void
tree(struct testhost *t, const lintel_exchange *x, lintel_ticket ticket)
{
    static const lintel_answer constant = {
        .size = sizeof constant,
        .code = LINTEL_CODE(2, 5),
        .format = 0,
        .max_age = 1,
        .payload = {"Nov 22 10:55:17", 15}}; /* as long as /time's */
    (void)x;
    testhost_answer(t, ticket, &constant);
}

int
main(int argc, char **argv)
{
    char uri[64], why[500];
    const char *const listen[] = {uri, NULL};
    struct testhost_settings settings = {.listen = listen};
    void *so = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    const lintel_entry *entry = so != NULL ? dlsym(so, LINTEL_ENTRY_SYMBOL) : NULL;
    if (entry == NULL) {
        fprintf(stderr, "usage: coap_host COAP.SO [PORT [IDENTITY KEY]]\n%s\n",
                argc > 1 ? dlerror() : "");
        return 2;
    }
    const struct testhost_psk psks[] = {{argc > 4 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL},
                                        {NULL, NULL}};
    snprintf(uri, sizeof uri, "%s://[::1]:%s", argc > 4 ? "coaps" : "coap",
             argc > 2 ? argv[2] : "0");
    struct testhost *t = testhost_new(entry->plugins[0], &settings, tree, why, sizeof why);
    if (t != NULL)
        t->psks = psks;
    if (t == NULL || testhost_start(t) != LINTEL_OK) {
        fprintf(stderr, "%s\n", t != NULL ? t->log : why);
        return 1;
    }
    t->at_once = true;
    printf("%u\n", testhost_port(t, 0));
    fflush(stdout);
    for (;;)
        testhost_turn(t, -1);
}
