/* SPDX-License-Identifier: Apache-2.0
 *
 * The CoAP transport: serves the hub's resource tree over UDP and DTLS (RFC 7252, 7641, 7959,
 * 8132), and over TCP and TLS (RFC 8323), on libcoap.
 *
 *   coap_listen   the URIs of `listen`, opened as endpoints of libcoap
 *   coap_stack    one context of libcoap: the hub's, or one of things'
 *   coap_io       libcoap on the host's loop
 *   coap_places   an address for each thing: which one, put on the interface, and taken away
 *   coap_prefix   the prefix, and interface identifiers below it
 *   coap_address  addresses of this machine, by rtnetlink
 *   coap_uri      an address as text, as a URI, as a client's key
 *   coap_netlink  its messages
 *   coap_fast     the short way: what libcoap need not see
 *   coap_reserve  memory for what libcoap can't do without
 *   coap_peer     one record for each client; the pool of exchanges
 *   coap_session  handshakes and streams
 *   coap_dtls     credentials, and who a peer is; coap_suites, coap_certificate beside it
 *   coap_serve    request -> tree -> first answer
 *   coap_request  options of a request, read into an exchange
 *   coap_answer   an answer of the tree, written into a response
 *   coap_observe  separate responses and notifications
 *   coap_odd      datagrams that libcoap would take wrongly
 *   coap_dedup    repeated requests, and what was answered
 *   coap_block    bodies in blocks
 *   coap_guard    what a client may ask, and what may be sent to an address that is not proved
 *   coap_echo     the proofs: values that come back (RFC 9175)
 *   coap_limit    requests a second, for each client
 *   coap_group    requests to multicast groups
 *   coap_client   requests of the hub's own
 *   coap_response what other servers answer them
 */
#include "plugins/coap/coap_client.h"
#include "plugins/coap/coap_dedup.h"
#include "plugins/coap/coap_dtls.h"
#include "plugins/coap/coap_echo.h"
#include "plugins/coap/coap_group.h"
#include "plugins/coap/coap_io.h"
#include "plugins/coap/coap_limit.h"
#include "plugins/coap/coap_listen.h"
#include "plugins/coap/coap_peer.h"
#include "plugins/coap/coap_places.h"
#include "plugins/coap/coap_reserve.h"
#include "plugins/coap/coap_serve.h"
#include "plugins/coap/coap_stack.h"

#include <stdlib.h>
#include <string.h>

enum {
    S_LISTEN,
    S_UNPROTECTED,
    S_MAX_SESSIONS,
    S_MAX_BODY,
    S_MAX_OBSERVERS,
    S_PREFIX,
    S_INTERFACE,
    S_ADDRESS_PORT,
    S_CERTIFICATE,
    S_KEY,
    S_CLIENT_CA,
    S_PSK_HINT,
    S_CIPHERS,
    S_MAX_HANDSHAKES,
    S_ACK_TIMEOUT,
    S_MAX_RETRANSMIT,
    S_ECHO,
    S_RATE,
    S_RATE_EQUAL,
    S_LIMIT_ALL,
    S_GROUPS,
    S_GROUP_INTERFACES,
    S_GROUP_PATHS
};
enum { ECHO_AMPLIFICATION, ECHO_OFF }; /* the words of S_ECHO */

static const lintel_field settings_table[] = {
    [S_LISTEN] = {.name = "listen",
                  .help =
                      "Where to listen: URIs of coap, coaps, coap+tcp or coaps+tcp with an address "
                      "in figures; port 0 takes a free one.",
                  .dflt = "coap://[::1]:5683,coap://127.0.0.1:5683",
                  .type = LINTEL_T_LIST},
    [S_UNPROTECTED] =
        {.name = "unprotected",
         .help = "Written down as yes, coap:// and coap+tcp:// listeners beyond loopback are "
                 "allowed: "
                 "without encryption, for everybody who reaches them.",
         .dflt = "false",
         .type = LINTEL_T_BOOL},
    [S_MAX_SESSIONS] =
        {.name = "maxSessions",
         .help = "Clients remembered on each listener while nothing is under way with them.",
         .dflt = "1000",
         .min = 1,
         .max = 100000,
         .type = LINTEL_T_INT},
    [S_MAX_BODY] = {.name = "maxBody",
                    .help = "Largest body of a request, put together from blocks.",
                    .dflt = "1048576",
                    .unit = "bytes",
                    .min = 1024,
                    .max = 16777216,
                    .type = LINTEL_T_INT},
    [S_MAX_OBSERVERS] = {.name = "maxObservers",
                         .help =
                             "Observations at once, all clients together; beyond it a client gets "
                             "the value, but no notifications.",
                         .dflt = "10000",
                         .min = 0,
                         .max = 1000000,
                         .type = LINTEL_T_INT},
    [S_PREFIX] = {.name = "prefix",
                  .help = "An IPv6 prefix that is routed to this machine, like "
                          "fd00:db8:1:2::/64: each thing gets an address of its own in it.",
                  .type = LINTEL_T_STR},
    [S_INTERFACE] = {.name = "interface",
                     .help = "The network interface that things' addresses are put on: lo for a "
                             "routed prefix, the one of the link for a shared one.",
                     .dflt = "lo",
                     .type = LINTEL_T_STR},
    [S_ADDRESS_PORT] = {.name = "addressPort",
                        .help =
                            "The port of coap:// on things' addresses; coaps:// has the next one.",
                        .dflt = "5683",
                        .min = 1,
                        .max = 65534,
                        .type = LINTEL_T_INT},
    [S_CERTIFICATE] = {.name = "certificate",
                       .help = "The server's certificate, and what leads from it to an authority: "
                               "a file in PEM form.",
                       .type = LINTEL_T_STR,
                       .flags = LINTEL_F_FILE},
    [S_KEY] = {.name = "key",
               .help = "The private key of the certificate, in PEM form and not encrypted.",
               .type = LINTEL_T_STR,
               .flags = LINTEL_F_SECRET},
    [S_CLIENT_CA] = {.name = "clientCa",
                     .help = "Whose certificates clients may come with: a file of authorities in "
                             "PEM form. With it, a client without a pre-shared key must have one.",
                     .type = LINTEL_T_STR,
                     .flags = LINTEL_F_FILE},
    [S_PSK_HINT] = {.name = "pskHint",
                    .help = "The identity hint that clients with a pre-shared key are shown "
                            "(RFC 4279).",
                    .type = LINTEL_T_STR},
    [S_CIPHERS] = {.name = "ciphers",
                   .help = "Suites that may be used, the best first, by OpenSSL's names; without "
                           "it those with authenticated encryption, and those that RFC 7252 asks "
                           "for.",
                   .type = LINTEL_T_LIST},
    [S_MAX_HANDSHAKES] = {.name = "maxHandshakes",
                          .help = "Handshakes of DTLS and TLS, and streams without a message, "
                                  "at once; beyond it the oldest is given up.",
                          .dflt = "100",
                          .min = 1,
                          .max = 10000,
                          .type = LINTEL_T_INT},
    [S_ACK_TIMEOUT] = {.name = "ackTimeout",
                       .help = "How long an acknowledgement of a client is waited for before the "
                               "message is repeated; each time after it doubles (RFC 7252 4.8).",
                       .dflt = "2",
                       .unit = "s",
                       .min = 1,
                       .max = 60,
                       .type = LINTEL_T_REAL},
    [S_MAX_RETRANSMIT] = {.name = "maxRetransmit",
                          .help = "How many times it is repeated before the client counts as gone.",
                          .dflt = "4",
                          .min = 0,
                          .max = 8,
                          .type = LINTEL_T_INT},
    [S_ECHO] = {.name = "echo",
                .help =
                    "With amplification, a client whose address is not proved gets at most three "
                    "times the bytes that it sent, and else an Echo option to send back (RFC "
                    "9175). Clients that don't know Echo need off.",
                .dflt = "amplification",
                .choices = "amplification|off",
                .type = LINTEL_T_STR},
    [S_RATE] = {.name = "rate",
                .help = "Requests a second of one client that is neither authenticated nor of this "
                        "machine; beyond it 4.29. 0: no limit.",
                .dflt = "200",
                .min = 0,
                .max = 1000000,
                .type = LINTEL_T_INT},
    [S_RATE_EQUAL] = {.name = "rateEqual",
                      .help = "The same for requests with the same method and URI.",
                      .dflt = "50",
                      .min = 0,
                      .max = 1000000,
                      .type = LINTEL_T_INT},
    [S_LIMIT_ALL] = {.name = "limitAll",
                     .help =
                         "Written down as yes, limits for single clients count for those of this "
                         "machine and for authenticated ones too.",
                     .dflt = "false",
                     .type = LINTEL_T_BOOL},
    [S_GROUPS] = {.name = "groups",
                  .help =
                      "Multicast groups to hear: addresses, or all, which are those of CoAP nodes "
                      "and directories. They need the listener coap://[::]:5683.",
                  .dflt = "",
                  .type = LINTEL_T_LIST},
    [S_GROUP_INTERFACES] =
        {.name = "groupInterfaces",
         .help = "Network interfaces to hear groups on; none means all that are up at the start.",
         .dflt = "",
         .type = LINTEL_T_LIST},
    [S_GROUP_PATHS] = {.name = "groupPaths",
                       .help = "Paths that a group may be asked for, with GET; one that ends in * "
                               "stands for all that begin so.",
                       .dflt = ".well-known/core",
                       .type = LINTEL_T_LIST},
    {.name = NULL},
};

static void
complain(const struct lcoap_server *s, const char *text)
{
    s->host->log(s->host, LINTEL_LOG_ERROR, text);
}

static lintel_status
add_listeners(struct lcoap_server *s, const lintel_value *list)
{
    char err[400];
    lintel_status st = LINTEL_OK;
    for (uint32_t i = 0; i < list->len && st == LINTEL_OK; i++)
        st = lcoap_listen_add(s->hub, list->as.list[i].as.s, err, sizeof err);
    if (st != LINTEL_OK)
        complain(s, err);
    else if (s->hub->nlisteners == 0) {
        complain(s, "listen: at least one URI is wanted, like coap://[::1]:5683");
        st = LINTEL_E_CONFIG;
    }
    return st;
}

static lintel_status
add_places(struct lcoap_server *s, const lintel_value *settings)
{
    char err[400];
    if (settings[S_PREFIX].type != LINTEL_T_STR)
        return LINTEL_OK;
    lintel_status st = lcoap_places_new(s, settings[S_PREFIX].as.s, settings[S_INTERFACE].as.s,
                                        (uint16_t)settings[S_ADDRESS_PORT].as.i, err, sizeof err);
    if (st != LINTEL_OK)
        complain(s, err);
    return st;
}

static lintel_status
add_groups(struct lcoap_server *s, const lintel_value *settings)
{
    char err[400] = "";
    lintel_status st = lcoap_groups_add(s, &settings[S_GROUPS], &settings[S_GROUP_INTERFACES],
                                        &settings[S_GROUP_PATHS], err, sizeof err);
    if (st != LINTEL_OK)
        complain(s, err);
    return st;
}

static const char *
text_of(const lintel_value *v)
{
    return v->type == LINTEL_T_STR ? v->as.s : NULL;
}

static lintel_status
add_credentials(struct lcoap_server *s, const lintel_value *settings)
{
    const lintel_value *ciphers = &settings[S_CIPHERS];
    struct lcoap_dtls_settings g = {.certificate = text_of(&settings[S_CERTIFICATE]),
                                    .client_ca = text_of(&settings[S_CLIENT_CA]),
                                    .key = text_of(&settings[S_KEY]),
                                    .hint = text_of(&settings[S_PSK_HINT]),
                                    .ciphers = ciphers->type == LINTEL_T_LIST ? ciphers : NULL};
    char err[400];
    lintel_status st = lcoap_dtls_new(s, &g, err, sizeof err);
    if (st != LINTEL_OK)
        complain(s, err);
    return st;
}

static void
set_limits(struct lcoap_server *s, const lintel_value *settings)
{
    s->limit_answers = settings[S_ECHO].as.i != ECHO_OFF;
    s->rate = (uint32_t)settings[S_RATE].as.i;
    s->rate_equal = (uint32_t)settings[S_RATE_EQUAL].as.i;
    s->limit_all = settings[S_LIMIT_ALL].as.i != 0;
}

static lintel_status
coap_transport_create(const lintel_host *h, const lintel_value *settings, void **self)
{
    struct lcoap_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return LINTEL_E_NOMEM;
    s->host = h;
    s->unprotected = settings[S_UNPROTECTED].as.i != 0;
    s->max_body = (size_t)settings[S_MAX_BODY].as.i;
    s->max_observers = (uint32_t)settings[S_MAX_OBSERVERS].as.i;
    s->max_handshakes = (uint32_t)settings[S_MAX_HANDSHAKES].as.i;
    s->ack_timeout_ms = (uint32_t)(settings[S_ACK_TIMEOUT].as.r * 1000);
    s->max_retransmit = (uint32_t)settings[S_MAX_RETRANSMIT].as.i;
    /* MAX_TRANSMIT_WAIT of RFC 7252 4.8.2, and a little for housekeeping. */
    s->give_up = (lintel_mono)s->ack_timeout_ms * 3 / 2 * ((2 << s->max_retransmit) - 1) * 1000000 +
                 7 * LCOAP_SECOND;
    set_limits(s, settings);
    lcoap_io_init(s);
    s->hub = lcoap_stack_new(s, false, (uint32_t)settings[S_MAX_SESSIONS].as.i);
    lintel_status st = s->hub != NULL ? add_listeners(s, &settings[S_LISTEN]) : LINTEL_E_NOMEM;
    if (st == LINTEL_OK)
        st = add_places(s, settings);
    if (st == LINTEL_OK)
        st = add_groups(s, settings);
    if (st == LINTEL_OK)
        st = add_credentials(s, settings);
    if (st != LINTEL_OK) {
        lcoap_dtls_free(s->dtls);
        lcoap_places_free(s);
        lcoap_groups_free(s);
        lcoap_stack_free(s->hub);
        lcoap_io_fini(s);
        free(s);
        return st;
    }
    *self = s;
    return LINTEL_OK;
}

static void
coap_transport_stop(void *self)
{
    struct lcoap_server *s = self;
    lcoap_client_free(s->client);
    lcoap_places_stop(s);
    lcoap_groups_leave(s);
    lcoap_stack_close(s->hub);
    lcoap_io_fini(s);
    lcoap_exchanges_fini(s);
    lcoap_replies_free(s->replies);
    s->replies = NULL;
    lcoap_limits_free(s->limits);
    s->limits = NULL;
    lcoap_reserve_fini(s);
    s->loop = NULL; /* nothing of the host's is called from now on */
}

static void
coap_transport_destroy(void *self)
{
    struct lcoap_server *s = self;
    coap_transport_stop(s);
    lcoap_places_free(s);
    lcoap_groups_free(s);
    lcoap_stack_free(s->hub);
    lcoap_dtls_free(s->dtls);
    free(s);
}

static lintel_status
coap_transport_start(void *self)
{
    struct lcoap_server *s = self;
    char err[400] = "out of memory";
    lintel_status st = LINTEL_E_NOMEM;

    s->loop = s->host->extension(s->host, LINTEL_EXT_LOOP);
    s->tree = s->host->extension(s->host, LINTEL_EXT_TRANSPORT);
    if (s->loop == NULL || s->tree == NULL) {
        complain(s, "this host has no loop or no resource tree for a transport");
        return LINTEL_E_NOTSUP;
    }
    if (s->places != NULL && (!LINTEL_HAS(s->tree, thing_base) || !LINTEL_HAS(s->tree, derive))) {
        complain(s, "prefix: this host can't give things addresses of their own");
        return LINTEL_E_NOTSUP;
    }
    lcoap_reserve_init(s);
    coap_startup();
    lcoap_echo_init(&s->echo, s->host, s->tree);
    s->replies = lcoap_replies_new();
    s->limits = lcoap_limits_new(s->rate, s->rate_equal);
    s->client = lcoap_client_new(s);
    if (s->replies != NULL && s->limits != NULL && s->client != NULL)
        st = lcoap_dtls_load(s, err, sizeof err);
    if (!lcoap_reserve_give(s))
        st = LINTEL_E_NOMEM;
    if (st == LINTEL_OK)
        st = lcoap_stack_open(s->hub, err, sizeof err);
    lcoap_reserve_take(s);
    if (st == LINTEL_OK)
        st = lcoap_groups_join(s, err, sizeof err);
    if (st != LINTEL_OK) {
        complain(s, err);
        coap_transport_stop(s);
    }
    return st;
}

static const void *
coap_transport_extension(void *self, const char *id)
{
    static const lintel_transport transport = {.size = sizeof transport,
                                               .answer = lcoap_serve_answer,
                                               .thing_added = lcoap_places_added,
                                               .thing_removed = lcoap_places_removed,
                                               .send = lcoap_client_send};
    (void)self;
    return strcmp(id, LINTEL_EXT_TRANSPORT) == 0 ? &transport : NULL;
}

static const lintel_plugin coap_plugin = {
    .size = sizeof coap_plugin,
    .flags = LINTEL_PLUGIN_TRANSPORT,
    .needs = LINTEL_NEED_NETWORK | LINTEL_NEED_FILES | LINTEL_NEED_ADDRESSES,
    .unit_bytes = 1,
    .name = "coap",
    .version = "1.0.0",
    .summary = "Serves the resource tree to CoAP clients over UDP, DTLS, TCP and TLS",
    .natural = "bytes",
    .bus = settings_table,
    .create = coap_transport_create,
    .destroy = coap_transport_destroy,
    .start = coap_transport_start,
    .stop = coap_transport_stop,
    .extension = coap_transport_extension,
};
LINTEL_PLUGIN_ENTRY(&coap_plugin);
