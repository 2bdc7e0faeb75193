#!/bin/bash
# Runs inside the container, as root, once systemd has booted. Each check is a line: "ok …" or "FAILED …".
set -u
out=/proof/out
export key='/etc/runtrackd/the key of nextmv'
: > "$out"
runtrackd() { /usr/bin/node /opt/runtrackd/dist/main.js "$@"; }
ok() { echo "ok $*" >> "$out"; }
failed() { echo "FAILED $*" >> "$out"; }
check() { local what=$1; shift; if "$@" > /proof/last 2>&1; then ok "$what"; else failed "$what: $(tail -n 20 /proof/last | tr '\n' ' ')"; fi; }
# Waits for a condition, for two minutes at most.
becomes() { for _ in $(seq 600); do if "$@" > /proof/last 2>&1; then return 0; fi; sleep 0.2; done; return 1; }
property() { systemctl show runtrackd -p "$1" --value; }
is() { [ "$(property "$1")" = "$2" ]; }
is_not() { [ "$(property "$1")" != "$2" ]; }
says() { property StatusText | grep -q "$1"; }
drop() { # as the solver's user, built beside and renamed in
  su solver -s /bin/bash -c "umask 007; mkdir -p /srv/planner/aside/$1 && cd /srv/planner/aside/$1 &&
    echo '{\"n\":\"$1\"}' > input.json && echo '{\"x\":\"$1\"}' > output.json && echo '{\"status\":\"succeeded\"}' > meta.json &&
    mv /srv/planner/aside/$1 /srv/planner/runs/$1"
}
has_result() { [ -s "/srv/planner/runs/$1/nextmv-result.json" ]; }

journal_says() { journalctl -u runtrackd --no-pager | grep -q "$1"; }
begin_platform() {
  : > /proof/platform.log
  /usr/bin/node /opt/runtrackd/dist/main.js platform --port 8765 --data /var/tmp/platform --api-key-file "$key" >> /proof/platform.log 2>&1 &
  platform=$!
  becomes grep -q 8765 /proof/platform.log
}

main() {
  groupadd planner; useradd -g planner solver
  groupadd operators; useradd -g operators operator
  install -d -o solver -g planner -m 2770 /srv/planner /srv/planner/runs /srv/planner/aside
  install -d /etc/runtrackd; (umask 077; echo key-for-the-proof > "$key")
  begin_platform
  cat > /etc/runtrackd/config.yaml <<'YAML'
state_dir: /var/lib/runtrackd
host: proof-host
platform: { kind: nextmv, endpoint: 'http://127.0.0.1:8765' }
drop_roots:
  - { path: /srv/planner/runs, name: planner, app: proof-app, quiet: 300ms, scan_every: 1s }
YAML
  chmod 640 /etc/runtrackd/config.yaml # as init leaves it
  install_it() { runtrackd systemd-unit -c /etc/runtrackd/config.yaml --install --credential "$key"; }
  check "--install makes the user, the directories and the unit" install_it
  check "the service's user can read the configuration, and others cannot" bash -c 'su runtrackd -s /bin/bash -c "cat /etc/runtrackd/config.yaml" && ! su solver -s /bin/bash -c "cat /etc/runtrackd/config.yaml"'
  check "doctor finds nothing against it, with the key that systemd will hand over" runtrackd doctor --user runtrackd -c /etc/runtrackd/config.yaml
  check "a second --install changes nothing" bash -c "$(declare -f runtrackd install_it); install_it 2>&1 | grep -v '^is so already' | grep -qv -e 'Start it now' -e 'See whether' && exit 1; exit 0"
  check "systemd knows every line of the unit" systemd-analyze verify /etc/systemd/system/runtrackd.service
  # Minutes are too long for a proof; everything else is the unit as it was written.
  install -d /etc/systemd/system/runtrackd.service.d
  printf '[Service]\nWatchdogSec=4s\nRestartSec=500ms\n' > /etc/systemd/system/runtrackd.service.d/short.conf
  systemctl daemon-reload
  check "it starts, and says itself that it is ready" systemctl start runtrackd
  check "its status is a sentence" becomes says '0 delivering, 0 recorded'
  check "it runs as its own user" is User runtrackd
  drop monday
  check "a folder of another user comes back with its result" becomes has_result monday
  check "the solver's user can read the result" su solver -s /bin/bash -c 'grep -q proof-host /srv/planner/runs/monday/nextmv-result.json'
  check "the status counts it" becomes says '1 recorded'
  check "the key is in no argument, no log and no environment of the service" bash -c '! grep -rqa key-for-the-proof /proc/'"$(property MainPID)"'/cmdline /proc/'"$(property MainPID)"'/environ && ! journalctl -u runtrackd | grep -q key-for-the-proof'
  check "a file of root is not readable for it" bash -c '! su runtrackd -s /bin/bash -c "cat \"$key\""'
  killed=$(property MainPID)
  kill -KILL "$killed"
  check "after SIGKILL it is started again" becomes is_not MainPID "$killed"
  becomes is SubState running
  drop tuesday
  check "and goes on" becomes has_result tuesday
  stopped=$(property MainPID)
  kill -STOP "$stopped"
  check "a daemon that hangs is ended by the watchdog and started again" becomes is_not MainPID "$stopped"
  becomes is SubState running
  drop wednesday
  check "and goes on from there" becomes has_result wednesday
  kept=$(property MainPID)
  sed -i 's/quiet: 300ms/quiet: 400ms/' /etc/runtrackd/config.yaml
  check "systemctl reload reads a good configuration again" systemctl reload runtrackd
  check "and says what counts from now on" becomes journal_says 'was read again, and counts: drop_roots.0..quiet'
  check "it is ready again, and the same process" is MainPID "$kept"
  check "and active" is ActiveState active
  sed -i 's/quiet:/quite:/' /etc/runtrackd/config.yaml
  check "systemctl reload fails with a wrong one" bash -c '! systemctl reload runtrackd'
  check "and its line is in the journal" becomes journal_says 'on disk is wrong.*config.yaml:5:'
  check "runtrackd reload ends with 78 for it" bash -c "$(declare -f runtrackd); runtrackd reload -c /etc/runtrackd/config.yaml; [ \$? = 78 ]"
  check "and the daemon goes on with the earlier one" is MainPID "$kept"
  drop thursday
  check "which still tracks" becomes has_result thursday
  sed -i 's/quite:/quiet:/' /etc/runtrackd/config.yaml
  check "runtrackd reload takes the mended one" runtrackd reload -c /etc/runtrackd/config.yaml
  kill "$platform"; wait "$platform" 2> /dev/null
  (umask 077; echo another-key-for-it > "$key")
  begin_platform
  drop friday
  check "a key that is refused pauses delivery" becomes journal_says 'delivery pauses'
  check "a new key of the credential counts with a restart" systemctl restart runtrackd
  check "and what waited is delivered" becomes has_result friday
  echo 'control: { group: operators }' >> /etc/runtrackd/config.yaml
  echo "http: { listen: 'unix:/run/planner-page/page.sock' }" >> /etc/runtrackd/config.yaml
  chmod 644 /etc/runtrackd/config.yaml
  check "a group is let in by the unit that is written anew" install_it
  check "and by a restart" systemctl restart runtrackd
  check "a member of control.group asks the daemon" su operator -s /bin/bash -c "$(declare -f runtrackd); runtrackd list -c /etc/runtrackd/config.yaml | grep -q friday"
  check "another user may not" bash -c "! su solver -s /bin/bash -c '$(declare -f runtrackd); runtrackd list -c /etc/runtrackd/config.yaml'"
  check "and may go on asking after systemctl reload" bash -c "systemctl reload runtrackd && su operator -s /bin/bash -c '$(declare -f runtrackd); runtrackd list -c /etc/runtrackd/config.yaml | grep -q friday'"
  check "the directory of the page's socket is made by systemd, for the daemon" bash -c '[ -S /run/planner-page/page.sock ] && [ "$(stat -c %U /run/planner-page)" = runtrackd ]'
  check "stop ends it within its time" systemctl stop runtrackd
  check "and it was a clean end" is Result success
  sed -i 's/quiet:/quite:/' /etc/runtrackd/config.yaml
  timeout 20 systemctl start runtrackd > /dev/null 2>&1
  check "a wrong configuration is no success" is ActiveState failed
  sleep 3
  check "and is not tried over and over" is ActiveState failed
  check "the journal says which line is wrong" bash -c 'journalctl -u runtrackd | grep -q "config.yaml:5:.*quite.*did you mean"'
  runs=$(/usr/bin/node -e '
    fetch("http://127.0.0.1:8765/v1/applications/proof-app/runs", { headers: { authorization: "Bearer another-key-for-it" } })
      .then((answer) => answer.json()).then(({ runs }) => console.log(runs.length))')
  check "five folders, five runs on the platform" [ "$runs" = 5 ]
  echo "exposure: $(systemd-analyze security runtrackd --no-pager 2>/dev/null | tail -n 1)" >> "$out"
  journalctl -u runtrackd --no-pager > /proof/journal
}
main > /proof/script.log 2>&1
echo end >> "$out"
systemctl poweroff
