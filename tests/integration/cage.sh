#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A plugin in a process tries to get out: by what it may not do it fails, or dies alone, and status says why. With a hub of
# root's and with one of an ordinary user's; plugins that do harm when they are opened never reach either.
. "${LINTEL_SRCDIR:?}/tests/integration/lib.sh"
[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
sanitized=$(nm -D "$build/bin/linteld" 2>/dev/null | grep -cE '__(asan|tsan)_')
attempts="work exec shell open-shadow open-secret open-state open-site open-parent write-tmp write-site connect fork threads
    memory shared trace signal root abstract limits mount unshare environment line name hidden inject owner
    calls families datagram stack terminal outlive compat x32"

# make_site SITE USER: a hub with a plugin that tries, one on a line, one on a network, and others that work beside them.
make_site() {
    local site=$1 owner=$2 name
    mkdir -p "$site"/{models,bindings,things,secrets} "$here/run" "$here/state"
    chmod 700 "$site/secrets"
    echo "hidden words" >"$site/secrets/word"
    chmod 600 "$site/secrets/word"
    boxes "$site"
    {
        echo 'info: { title: "Attempts", version: "1.0.0", license: CC0-1.0 }'
        echo 'namespace: { out: "https://example.com/models/out" }'
        echo 'defaultNamespace: out'
        echo 'sdfObject: { Out: { sdfProperty: {'
        for name in $attempts; do echo "  $name: { type: string, writable: false },"; done
        echo '} } }'
    } >"$site/models/out.sdf.yaml"
    {
        echo 'info: { title: "Attempts of a plugin", version: "1.0.0" }'
        echo 'namespace: { out: "https://example.com/models/out" }'
        echo 'defaultNamespace: out'
        echo 'amend:'
        for name in $attempts; do
            local path=""
            case $name in
                open-shadow) path=/etc/shadow ;;
                open-secret) path=$site/secrets/word ;;
                open-state) path=$here/state/audit.db ;;
                open-site) path=$site/lintel.yaml ;;
                open-parent) path=/proc/1/environ ;;
                write-tmp) path=/tmp/lintel-escaped-$$ ;;
                write-site) path=$site/things/evil.yaml ;;
                datagram) path=$here/open.sock ;;
            esac
            echo "  - \"#/sdfObject/Out/sdfProperty/$name\":"
            echo "      sdfProtocolMap: { escape: { attempt: ${name%%-*}, path: \"$path\", poll: 0 }," \
                "escape-serial: { attempt: ${name%%-*}, path: \"$path\", poll: 0 }, escape-network: { attempt: ${name%%-*}, path: \"$path\", poll: 0 } }"
        done
    } >"$site/bindings/attempts.sdf-supplement.yaml"
    cat >"$site/lintel.yaml" <<FILE
hub: { name: cage }
buses:
  inmate: { plugin: escape, memory: 64 }
  serial: { plugin: escape-serial, device: $line }
  net: { plugin: escape-network }
  beside: { plugin: fake-blocking }
  thread: { plugin: fake }
FILE
    for name in inmate serial net; do
        echo "- { thingId: $name, sdfInstanceOf: { model: attempts }, sdfContext: { bus: $name } }" >>"$site/things/out.yaml"
    done
    box "$site" beside
    box "$site" thread
    chown -R "$owner" "$site" "$here/run" "$here/state"
}
# try BUS ATTEMPT PATTERN: what the plugin says of it; it goes on living.
try() { soon "$1 tries: $2" "$3" lintel get "$1/$2"; }
# dies BUS ATTEMPT: its process does, and nobody else's; status tells why.
dies() {
    local beside
    beside=$(of beside pid)
    if [ "$sanitized" -ne 0 ] && [ "$2" = trace ]; then return; fi # a sanitizer itself traces; Landlock still forbids it
    lintel get "$1/$2" >/dev/null 2>&1
    soon "$1 dies of: $2" 'did what its cage forbids \(SIGSYS\)' of "$1" reason
    says "$2: the one beside it lives on" "^$beside\$" of beside pid
    soon "$2: it is started again" '^working$' lintel get "$1/work"
}
escape_all() {
    local who=$1
    for bus in inmate serial net; do soon "$who: $bus works in its cage" '^working$' lintel get $bus/work; done
    for bus in beside thread; do soon "$who: $bus works" '^[0-9]+$' lintel get $bus/count; done
    beside=$(of beside pid) hub_before=$hub
    [ "$sanitized" -ne 0 ] || try inmate shell '^refused: Operation not permitted'
    try inmate open-shadow '^refused: Permission denied'
    try inmate open-secret '^refused: Permission denied'
    try inmate open-state '^refused: Permission denied'
    try inmate open-site '^refused: Permission denied'
    try inmate open-parent '^refused: Permission denied'
    try inmate write-tmp '^refused: Permission denied'
    exits "nothing was written" 1 test -e "/tmp/lintel-escaped-$$"
    try inmate write-site '^refused: Permission denied'
    exits "nothing was written to the site" 1 test -e "$site/things/evil.yaml"
    try inmate connect '^refused: Operation not permitted'
    try net connect '^DONE'
    [ "$sanitized" -ne 0 ] || try inmate fork '^refused: Operation not permitted'
    try inmate threads '^DONE'
    if [ "$sanitized" -eq 0 ]; then
        try inmate memory '^refused after (0|32|64) MiB: Cannot allocate memory'
        try inmate limits '^refused: Operation not permitted'
    fi
    try inmate shared '^refused after 0 MiB: Operation not permitted'
    try inmate signal '^refused: Operation not permitted'
    try inmate owner '^refused: Operation not permitted'
    try inmate root '^refused: Operation not permitted'
    try inmate abstract '^refused: Operation not permitted'
    try net abstract '^refused: Operation not permitted'
    try inmate environment '^clean$'
    try inmate name '^DONE'
    try inmate hidden '^refused: Operation not permitted'
    try inmate line '^refused: (Permission denied|No such file)'
    try serial line '^DONE'
    try serial inject '^refused: Operation not permitted'
    try serial open-secret '^refused: Permission denied'
    if [ "$sanitized" -eq 0 ]; then for bus in inmate serial net; do
        try $bus calls '^refused all'
        try $bus datagram '^refused: Operation not permitted'
        try $bus stack '^refused after 0 MiB: Operation not permitted'
        try $bus terminal '^refused: '
    done; fi
    try inmate families '^refused all'
    try net families '^refused all'
    exits "the hub is not hurt" 0 kill -0 "$hub_before"
    says "the one beside it has noticed nothing" "^$beside\$" of beside pid
    for attempt in exec mount unshare trace; do dies inmate $attempt; done
    for attempt in compat x32; do dies serial $attempt; done
    says "the log tells the death" 'inmate.*did what its cage forbids' cat "$here/linteld.log"
    says_not "and of no other's" '(beside|thread): .*gone' cat "$here/linteld.log"
    says "status names the cage" 'landlock [1-9][0-9]*, seccomp' of inmate cage
    child=$(of inmate pid)
    says "the kernel says so: no new privileges" 'NoNewPrivs:.1' cat "/proc/$child/status"
    says "a filter" 'Seccomp:.2' cat "/proc/$child/status"
    says "no capability" 'CapPrm:.0000000000000000' cat "/proc/$child/status"
    says "none to come" 'CapAmb:.0000000000000000' cat "/proc/$child/status"
    says "no core file" 'Max core file size +0 +0 ' cat "/proc/$child/limits"
    says_not "the hub itself is free" 'Seccomp:.2' cat "/proc/$hub/status"
}

# The hub is killed while somebody else holds its end of the connection open: only the kernel can tell the child, which has
# changed its user since it asked for that.
exits "a caged child dies with its hub, without the end of a stream" 0 timeout 60 python3 - "$build/bin/lintel-host" <<'PYTHON'
import os, signal, socket, subprocess, sys, time

def frame(s, b): s.sendall(len(b).to_bytes(4, "big") + b)
def read(s): return s.recv(int.from_bytes(s.recv(4, socket.MSG_WAITALL), "big"), socket.MSG_WAITALL)
ids, told = os.pipe()
hub = os.fork()
if hub == 0:
    mine, its = socket.socketpair()
    child = subprocess.Popen([sys.argv[1], f"--socket={its.fileno()}"], pass_fds=[its.fileno()])
    its.close()
    read(mine)
    frame(mine, bytes.fromhex("0009000000") + b"\x46nobody" + bytes.fromhex("19fffe19fffe0080"))
    assert b"seccomp" in read(mine)
    holder = os.fork()
    if holder == 0:
        time.sleep(50)
        os._exit(0)
    os.write(told, f"{child.pid} {holder}\n".encode())
    signal.pause()
child, holder = map(int, os.read(ids, 100).split())
def ended(pid):
    try: return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError: return True
status = f"/proc/{child}/status"
assert [line for line in open(status) if line.startswith("Uid:")][0].split()[1] == "65534"
os.kill(hub, signal.SIGKILL)
end = time.monotonic() + 20
while not ended(child) and time.monotonic() < end: time.sleep(0.02)
gone = ended(child)
os.kill(holder, signal.SIGKILL)
if not gone: os.kill(child, signal.SIGKILL)
sys.exit(not gone)
PYTHON

# A serial line: a pair of pseudo terminals.
start line python3 -c '
import os, pty, tty, time
m, s = pty.openpty()
tty.setraw(s)
print("line", os.ttyname(s), flush=True)
while True:
    try: os.read(m, 100)
    except OSError: time.sleep(0.1)'
wait_log line '^line ' || { not_ok "a line is made"; finish; }
line=$(sed -n 's/^line //p' "$here/line.log")
chmod 666 "$line"

# Somebody who takes datagrams from everybody, as the system's log does.
start open python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print("listens", flush=True)
while True: print("got", s.recv(100), flush=True)' "$here/open.sock"
wait_log open '^listens' || { not_ok "a socket is made"; finish; }

site=$here/root-site
make_site "$site" root
export SOME_SECRET=kept-back
start_hub "$site" || { not_ok "root's hub starts"; finish; }
escape_all root
user=nobody
id lintel-plugin >/dev/null 2>&1 && user=lintel-plugin
says "root's children are somebody else" "^user $user, " of inmate cage
says "what changes addresses and has low ports keeps two privileges" 'CapEff:.0000000000001400' cat "/proc/$(of net pid)/status"
says "and will have no others" 'CapBnd:.0000000000001400' cat "/proc/$(of net pid)/status"
says "in no group" 'Groups:.\s*$' cat "/proc/$(of inmate pid)/status"
says "and have that user's number" "Uid:.$(id -u $user).$(id -u $user).$(id -u $user)" cat "/proc/$(of inmate pid)/status"

# A file that the child's user can't read: which one, who, what to do.
mkdir -m 700 "$here/closed"
echo x >"$here/closed/line"
sed -i "s|device: .* }|device: $here/closed/line }|" "$site/lintel.yaml"
exits "a site with a closed file" 0 lintel reload
if wait_log linteld "serial: $here/closed/line can't be read by user $user, as whom plugins run"; then ok "the log names file, user and remedy"; else not_ok "the log names file, user and remedy"; fi
stop "$hub"
rm -rf "$here/run" "$here/state"

# A hub that somebody has started from his terminal: what he types is not for plugins, also not for one that may open devices.
site=$here/terminal-site
line_before=$line line=/dev/ttyNotThere
make_site "$site" root
line=$line_before
start terminal python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
print("hub", pid, flush=True)
while True:
    try: said = os.read(fd, 1000)
    except OSError: break
    if not said: break
    print(said.decode(errors="replace"), end="", flush=True)' \
    "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
holder=$pid
soon "a hub with a terminal starts" '^working$' lintel get serial/work
if [ "$sanitized" -eq 0 ]; then for bus in serial inmate; do try $bus terminal '^refused: '; done; fi
child=$(sed -n 's/^hub //p' "$here/terminal.log" | tr -d '\r')
[ -z "$child" ] || kill "$child"
stop "$holder"
rm -rf "$here/run" "$here/state"

# A plugin that clings to life ends with a hub that is killed.
site=$here/clinging-site
make_site "$site" root
start_hub "$site" || { not_ok "a hub with a plugin that clings to life starts"; finish; }
if [ "$sanitized" -eq 0 ]; then
    child=$(of inmate pid)
    connection=$(readlink "/proc/$child/fd/3")
    try inmate outlive '^DONE'
    for ((i = 0; i < 100; i++)); do [ "$(readlink "/proc/$child/fd/3")" = "$connection" ] || break; sleep 0.1; done
    kill -9 "$hub"
    wait "$hub" 2>/dev/null
    soon "what clings to life ends with its hub" "No such process" kill -0 "$child"
    kill -9 "$child" 2>/dev/null
fi
stop "$hub"
rm -rf "$here/run" "$here/state"

# An ordinary user's hub: the user stays, all else holds as well.
site=$here/user-site
make_site "$site" 12345
by=(setpriv --reuid=12345 --regid=12345 --clear-groups)
start_hub "$site" || { not_ok "a user's hub starts"; finish; }
escape_all user
says "the user is the hub's" 'Uid:.12345.12345.12345' cat "/proc/$(of inmate pid)/status"
says "what it has no right to it does not get" 'CapEff:.0000000000000000' cat "/proc/$(of net pid)/status"
says_not "and the cage names none" user of inmate cage
stop "$hub"
by=()
rm -rf "$here/run" "$here/state"

# Harm at the first touch: said by the check and by the daemon, who both live on.
site=$here/trap-site
mkdir -p "$site" "$here/state"
export LINTEL_PLUGIN_PATH=$build/plugins/fake/traps
for trap in "crash|killed the process that opened it by signal 6 \\(Aborted\\)" "exit|ended the process that opened it, with status 0" \
    "exec|does at once, when it is opened, what no plugin may \\(SIGSYS\\)" "hang|hangs when it is opened"; do
    printf 'hub: { name: trap }\nbuses:\n  b: { plugin: trap-%s }\n' "${trap%%|*}" >"$site/lintel.yaml"
    says "trap-${trap%%|*} is refused by the check" "lintel.yaml:3:16: error: plugin \"trap-${trap%%|*}\" is refused: .*${trap#*|}.*don't use it" \
        timeout 20 "$build/bin/lintel" check "$site"
    [ "${trap%%|*}" != crash ] || says "and by the daemon" "lintel.yaml:3:16: .*${trap#*|}" \
        timeout 20 "$build/bin/linteld" --site "$site" --run "$here/run" --state "$here/state"
done

# A real protocol with certificates, in a cage: names are looked up, the authority is read, also after it was replaced.
site=$here/tls-site port=$(free_port)
export LINTEL_PLUGIN_PATH=$build/plugins
mkdir -p "$site" "$here/broker"
(
    cd "$here/broker" || exit 1
    ec() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
    ec ca && openssl req -x509 -new -key ca.key -subj /CN=plant -days 30 -out ca.pem &&
        ec broker && openssl req -new -key broker.key -subj /CN=localhost -out broker.csr &&
        printf 'subjectAltName=DNS:localhost\n' >broker.ext &&
        openssl x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 10 -extfile broker.ext -out broker.pem
) >"$here/openssl.log" 2>&1 || { not_ok "openssl makes certificates" "$(cat "$here/openssl.log")"; finish; }
cp "$here/broker/ca.pem" "$site/ca.pem"
cat >"$here/broker.conf" <<CONF
listener $port localhost
allow_anonymous true
persistence false
user $(id -un)
cafile $here/broker/ca.pem
certfile $here/broker/broker.pem
keyfile $here/broker/broker.key
CONF
start mosquitto mosquitto -c "$here/broker.conf"
broker=$pid
wait_log mosquitto 'mosquitto version .* running' || not_ok "the broker starts"
cat >"$site/lintel.yaml" <<FILE
hub: { name: tls }
buses:
  house: { plugin: mqtt, broker: "mqtts://localhost:$port", caFile: ca.pem, isolation: process, reconnectMax: 1 }
FILE
start_hub "$site" || { not_ok "a hub with a broker starts"; finish; }
soon "the broker is reached over TLS from the cage" 'landlock.*seccomp' of house cage
wait_log mosquitto 'New client connected' || not_ok "the broker sees it"
soon "and the link is up" 'up' of house state
child=$(of house pid)
cp "$site/ca.pem" "$site/fresh.pem"
mv "$site/fresh.pem" "$site/ca.pem"
wait_log linteld 'ca.pem was replaced; a new process reads it, when the connection is lost' || not_ok "the hub notices a new authority"
says "which does not disturb what works" "^$child\$" of house pid
stop "$broker"
soon "the lost connection makes a new process read it" 'ca.pem was replaced: a new process reads it' of house reason
says_not "which is another" "^$child\$" of house pid
start mosquitto mosquitto -c "$here/broker.conf"
wait_log mosquitto 'New client connected' && ok "and it connects again, with the new file"
stop "$hub"

# A plugin that did not come with the hub gets a process without being told to.
mkdir -m 755 "$here/foreign"
cp "$build/plugins/fake/fake.so" "$here/foreign/fake.so"
chmod 755 "$here/foreign/fake.so"
export LINTEL_PLUGIN_PATH=$here/foreign
printf 'hub: { name: foreign }\nbuses:\n  b: { plugin: fake }\n  c: { plugin: fake, isolation: thread }\n' >"$site/lintel.yaml"
start_hub "$site" || { not_ok "a hub with a foreign plugin starts"; finish; }
soon "it runs" '^up$' of b state
says "in a process" '^process$' of b isolation
says "in a thread only if the site says so" '^thread$' of c isolation
stop "$hub"
finish
