/* SPDX-License-Identifier: Apache-2.0
 * A tree with nothing in it, for transports under test: each request gets 4.04 at once. */
#include "lintel/transport.h"

#include <string.h>

#include "core/kit/host_priv.h"
#include "lintel/ext/resources.h"

static int
is_inst(const lintel_host *host)
{
    struct lintel_kit *h = lintel_kit_of(host);
    return lintel_kit_expect(
        h->phase == PHASE_LIVE && pthread_equal(pthread_self(), h->inst), LINTEL_KIT_THREAD,
        "it called the tree from a thread of its own, or before start() or after "
        "stop(): all of lintel/transport.h is [inst]");
}

static lintel_ticket
submit(const lintel_host *host, const lintel_exchange *x)
{
    struct lintel_kit *h = lintel_kit_of(host);
    const lintel_transport *t = NULL;
    const lintel_answer nothing = {
        .size = sizeof nothing, .code = LINTEL_CODE(4, 4), .format = LINTEL_FORMAT_NONE};
    if (is_inst(host) && h->plugin->extension != NULL)
        t = h->plugin->extension(h->self, LINTEL_EXT_TRANSPORT);
    if (t != NULL && t->answer != NULL)
        t->answer(h->self, x->cookie, &nothing);
    return 0;
}

static void
abandon(const lintel_host *host, lintel_ticket t)
{
    (void)t;
    (void)is_inst(host);
}

static void
reply(const lintel_host *host, lintel_ticket t, const lintel_answer *a)
{
    (void)t, (void)a;
    (void)is_inst(host);
}

static void
thing_base(const lintel_host *host, const char *thing, const char *base)
{
    (void)thing, (void)base;
    (void)is_inst(host);
}

/* Stable, and different for different labels; that nobody can tell it is of no use in a test. */
static void
derive(const lintel_host *host, const void *label, size_t n, uint8_t ret[32])
{
    const unsigned char *p = label;
    uint64_t mix = UINT64_C(0xcbf29ce484222325);
    (void)host;
    for (size_t i = 0; i < n; i++)
        mix = (mix ^ p[i]) * UINT64_C(0x100000001b3);
    for (unsigned i = 0; i < 32; i++) {
        mix = (mix ^ i) * UINT64_C(0x100000001b3);
        ret[i] = (uint8_t)(mix >> 32);
    }
}

static uint32_t
psk(const lintel_host *host, const char *identity, size_t n, uint8_t *key, uint32_t room)
{
    (void)host, (void)identity, (void)n, (void)key, (void)room;
    return 0;
}

static lintel_status
mount(const lintel_host *host, const char *name, const char *links)
{
    (void)links;
    return !is_inst(host) ? LINTEL_E_NOTSUP : name[0] == '\0' ? LINTEL_E_RANGE : LINTEL_OK;
}

static void
answer(const lintel_host *host, lintel_ticket t, const lintel_answer *a)
{
    (void)t, (void)a;
    (void)is_inst(host);
}

const void *
lintel_kit_transport_extension(const char *id)
{
    static const lintel_host_transport transport = {
        sizeof transport, 0, submit, abandon, reply, thing_base, derive, psk};
    static const lintel_host_resources resources = {sizeof resources, 0, mount, answer};
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0   ? (const void *)&transport
           : strcmp(id, LINTEL_EXT_RESOURCES) == 0 ? (const void *)&resources
                                                   : NULL;
}
