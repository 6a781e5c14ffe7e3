#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A hub that others reach: coaps with keys and certificates, identities and their rights, CoAP over TCP and TLS; a
# certificate that is renewed while the hub runs. Clients are libcoap's, with OpenSSL and with GnuTLS.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
command -v coap-client-openssl >/dev/null && command -v coap-client-gnutls >/dev/null || { echo "no coap-client with DTLS"; exit 77; }
site=$here/site port=$(free_port) tls=$(free_port) tcp=$(free_port)
udp=coaps://[::1]:$port stream=coaps+tcp://[::1]:$tls
boxes "$site"
mkdir -p "$site/secrets"
chmod 700 "$site/secrets"

# Certificates: an authority, the hub's, and those of two engineers; one of somebody else's.
(
    cd "$here" || exit 1
    ec() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
    ca() { ec "$1" && openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 30 -out "$1.pem"; }
    leaf() { # NAME CA
        ec "$1" && openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr" &&
            printf 'subjectAltName=DNS:%s\n' "$1" >"$1.ext" &&
            openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 10 -extfile "$1.ext" -out "$1.pem"
    }
    ca plant && ca elsewhere && leaf hub.example plant && leaf eng.example plant && leaf other.example plant &&
        mkdir thief && cd thief && cp ../elsewhere.* . && leaf eng.example elsewhere
) >"$here/openssl.log" 2>&1 || { not_ok "openssl makes certificates" "$(cat "$here/openssl.log")"; finish; }
secret() { (umask 077 && cat >"$site/secrets/$1"); }
secret hub-key <"$here/hub.example.key"
printf 'a key of the sensor, 1' | secret sensor
printf 'a key of the tool, 22' | secret tool
cp "$here/hub.example.pem" "$site/hub.pem"
cp "$here/plant.pem" "$site/clients.pem"

write_site() {
    cat >"$site/lintel.yaml" <<FILE
hub: { name: secure }
buses:
  store: { plugin: fake }
transports:
  coap:
    plugin: coap
    listen: ["$udp", "$stream", "coap+tcp://[::1]:$tcp"]
    certificate: hub.pem
    key: "secret:hub-key"
    clientCa: clients.pem
identities:
  sensor-1: { psk: "secret:sensor" }
  tool-7: { psk: "secret:${1:-tool}" }
  engineer: { certificate: eng.example }
rights:
  - { who: sensor-1, zones: all, may: [read] }
  - { who: [tool-7, engineer], zones: all, may: [read, write] }
  - { who: local, zones: all, may: [manage] }
FILE
}
write_site
box "$site" store
start_hub "$site" || { not_ok "the hub starts"; finish; }
box=d/store/Box
psk() { # FLAVOUR IDENTITY KEY ARGS..
    local flavour=$1 identity=$2 key=$3
    shift 3
    timeout 20 "coap-client-$flavour" -B 2 -u "$identity" -k "$key" "$@" 2>&1
}
cert() { # FLAVOUR NAME ARGS..
    local flavour=$1 name=$2
    shift 2
    timeout 20 "coap-client-$flavour" -B 2 -c "$here/$name.pem" -j "$here/$name.key" -R "$here/plant.pem" "$@" 2>&1
}
S='a key of the sensor, 1' T='a key of the tool, 22'

for at in "$udp" "$stream"; do
    for flavour in openssl gnutls; do
        soon "$flavour: a sensor reads over ${at%%:*}" '^[0-9]+$' psk $flavour sensor-1 "$S" "$at/$box/p/count"
        says "$flavour: but writes no set point" '4\.03 ' psk $flavour sensor-1 "$S" -m put -t 50 -e 7 "$at/$box/p/level"
        says_not "$flavour: a commissioning tool writes it" '[45]\.[0-9][0-9]|cannot' psk $flavour tool-7 "$T" -m put -t 50 -e 17 "$at/$box/p/level"
        says_not "$flavour: an engineer with a certificate too" '[45]\.[0-9][0-9]|cannot' cert $flavour eng.example -m put -t 50 -e 18 "$at/$box/p/level"
        soon "$flavour: and reads it" '^18$' cert $flavour eng.example "$at/$box/p/level"
        says "$flavour: who has a good certificate and no right may nothing" '4\.0[13] ' cert $flavour other.example "$at/$box/p/level"
    done
done
says "an authority that is not ours" 'alert|cannot' cert openssl thief/eng.example "$udp/$box/p/level"
says_not "is not served" '^18$' cert openssl thief/eng.example "$udp/$box/p/level"
says_not "a wrong key" '^[0-9]+$' psk openssl tool-7 "$S" "$udp/$box/p/level"
says_not "nobody's identity" '^[0-9]+$' psk openssl tool-8 "$T" "$udp/$box/p/level"
says "without encryption nobody is known" '4\.0[13] ' coap "coap+tcp://[::1]:$tcp/$box/p/level"
says_not "no key stands in the log" "$S|$T|BEGIN" cat "$here/linteld.log"
wait_log linteld 'tool-7.*level' && ok "the record of writes says who" || not_ok "the record of writes says who"
wait_log linteld 'engineer.*level' && ok "by the site's name" || not_ok "by the site's name"

# The certificate is renewed: a reload takes the file in, the site's text is the same.
serial() { openssl s_client -connect "[::1]:$tls" -psk_identity x -cert "$here/eng.example.pem" -key "$here/eng.example.key" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
old=$(serial)
(cd "$here" && openssl x509 -req -in hub.example.csr -CA plant.pem -CAkey plant.key -CAcreateserial -days 20 -extfile hub.example.ext -out "$site/hub.pem") 2>/dev/null
exits "a renewed certificate is taken in" 0 lintel reload
new=$(serial)
[ -n "$old" ] && [ -n "$new" ] && [ "$old" != "$new" ] && ok "clients see it" || not_ok "clients see it" "before $old, now $new"
says_not "and work with it" '[45]\.[0-9][0-9]|cannot' cert openssl eng.example -m put -t 50 -e 19 "$udp/$box/p/level"

# A key is rolled with an overlap: both are of one identity.
printf 'the next key of it, 3' | secret tool-next
write_site
sed -i 's|  tool-7: .*|  tool-7: { psk: ["secret:tool", "secret:tool-next"], pskIdentity: [tool-7, tool-7b] }|' "$site/lintel.yaml"
exits "a second key" 0 lintel reload
says_not "the old one counts" '[45]\.[0-9][0-9]|cannot' psk openssl tool-7 "$T" -m put -t 50 -e 20 "$udp/$box/p/level"
says_not "and the new one" '[45]\.[0-9][0-9]|cannot' psk openssl tool-7b 'the next key of it, 3' -m put -t 50 -e 21 "$udp/$box/p/level"
sed -i 's|  tool-7: .*|  tool-7: { psk: "secret:tool-next", pskIdentity: tool-7b }|' "$site/lintel.yaml"
exits "the old one goes" 0 lintel reload
says_not "and counts no more" '^[0-9]+$' psk openssl tool-7 "$T" "$udp/$box/p/level"
soon "the new one does" '^21$' psk openssl tool-7b 'the next key of it, 3' "$udp/$box/p/level"

# A key that does not fit leaves the running hub as it is.
secret hub-key <"$here/eng.example.key"
says "a key of another certificate is refused" 'does not belong' lintel reload
soon "and what ran before runs on" '^21$' psk openssl tool-7b 'the next key of it, 3' "$udp/$box/p/level"
finish
