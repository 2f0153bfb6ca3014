#!/bin/sh
# Installs, updates and removes the Millrace edge agent on 64-bit Raspberry Pi OS. Each command may be repeated.
set -eu
# The service reads what root installs.
umask 022

usage() {
  cat <<'USAGE'
usage: install.sh [install|update|rollback|uninstall] [options]

  install      the agent, its user, config and service (default); what is there already stays
  update       the same with a newer folder of tarballs: a release that does not start is taken back
  rollback     back to the release before
  uninstall    service and program; config and spool stay, unless --purge

  --agent NAME    name of this agent, for a config that is not there yet (the host name)
  --site NAME     its site, likewise (home)
  --uplink URL    where it sends, likewise: mqtt:// or mqtts:// host[:port] (mqtt://127.0.0.1:1884)
  --with-azure    Microsoft's SDK too, for an uplink of type iot-hub; updates keep it (--without-azure: not any more)
  --node FILE     a Node of 24.12 or later instead of the packaged one
  --purge         with uninstall: config, spool and user too
  --root DIR      everything below DIR, no user and no service: for images and tests
  --dry-run       say what would be done
USAGE
}

here=$(cd "$(dirname "$0")" && pwd)
command=install root= node= purge= dry= azure= agent=$(uname -n) site=home uplink=mqtt://127.0.0.1:1884
# Of --agent, --site and --uplink those that were given.
given=
while [ $# -gt 0 ]; do
  case $1 in
    install | update | rollback | uninstall) command=$1 ;;
    --agent | --site | --uplink | --node | --root)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      name=${1#--}
      # The names are those of the list above.
      eval "$name=\$2"
      case $1 in --agent | --site | --uplink) given="$given $1" ;; esac
      shift ;;
    --purge) purge=yes ;;
    --with-azure) azure=yes ;;
    --without-azure) azure=no ;;
    --dry-run) dry=yes ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

user=millrace
service=millrace-agent.service
prefix=$root/opt/millrace
config=$root/etc/millrace
unit=$root/etc/systemd/system/$service
state=$root/var/lib/millrace
# With --root nothing of the running system is touched, unless a test names a systemctl of its own.
systemctl=${SYSTEMCTL-}
[ -n "$root" ] || systemctl=${systemctl:-systemctl}
# Young objects are few here: one MiB for them instead of sixteen is 15 to 50 MiB less of memory (npm run bench memory).
v8_flags='--max-semi-space-size=1'

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
run() { if [ -n "$dry" ]; then say "would: $*"; else "$@"; fi; }
control() { [ -z "$systemctl" ] || run "$systemctl" "$@"; }
link() { run ln -sfn "$1" "$2.new" && run mv -Tf "$2.new" "$2"; }
release_of() { if [ -L "$prefix/$1" ]; then basename "$(readlink "$prefix/$1")"; fi; }

# A line break becomes a blank, which no pattern here takes.
matches() { printf %s "$1" | tr '\n' ' ' | LC_ALL=C grep -Eqx -e "$2"; }
refuse() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }

# What goes into the config must be what the agent takes, and nothing that sed or YAML reads as its own.
check_names() {
  matches "$site" '[A-Za-z0-9._:-]{1,64}' && [ "$site" != __proto__ ] ||
    refuse "--site '$site': must be 1 to 64 of A-Z a-z 0-9 . _ : -"
  port='([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'
  matches "$uplink" "mqtts?://([A-Za-z0-9][A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+\\])(:$port)?" ||
    refuse "--uplink '$uplink': must be mqtt:// or mqtts:// host[:port], such as mqtts://cloud.example:8883"
  [ -n "$agent" ] || refuse '--agent is empty'
}

check_system() {
  [ -z "$root" ] || return 0
  [ "$(id -u)" = 0 ] || [ -n "$dry" ] || fail 'needs root: sudo sh install.sh'
  [ "$(getconf LONG_BIT)" = 64 ] || fail '64-bit Raspberry Pi OS is needed (getconf LONG_BIT says 32)'
  [ -d /run/systemd/system ] || [ -n "$dry" ] || fail 'systemd does not run here'
}

need_npm() {
  command -v npm >/dev/null && return 0
  [ -z "$root" ] || fail 'npm is needed to fetch the packages'
  command -v apt-get >/dev/null || fail 'npm is needed to fetch the packages'
  say 'npm is missing; installing it'
  run apt-get install -y --no-install-recommends npm
}

make_user() {
  [ -z "$root" ] || return 0
  getent passwd "$user" >/dev/null ||
    run useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
}

# Built beside its place and renamed whole: a release folder is complete or not there.
make_release() {
  [ -r "$here/release" ] || fail "$here holds no tarballs; make them with: npm run pack"
  release=$(cat "$here/release") manifests=$here
  if [ -z "$azure" ]; then case $(release_of current) in *-azure) azure=yes ;; esac; fi
  if [ "$azure" = yes ]; then release=$release-azure manifests=$here/with-azure; fi
  if [ -x "$prefix/releases/$release/node" ]; then
    say "release $release is there already"
    return 0
  fi
  need_npm
  partial=$prefix/releases/.$release.partial
  run rm -rf "$partial"
  run mkdir -p "$partial"
  run cp "$here"/*.tgz "$manifests/package.json" "$manifests/package-lock.json" "$partial/"
  omit=--omit=dev
  [ -z "$node" ] || omit='--omit=dev --omit=optional'
  # $omit is one or two words.
  # shellcheck disable=SC2086
  run npm ci --prefix "$partial" $omit --ignore-scripts --no-audit --no-fund --loglevel=error
  [ -z "$dry" ] || return 0
  link_node
  rm -f "$partial"/*.tgz
  mv "$partial" "$prefix/releases/$release"
  say "release $release is installed"
}

link_node() {
  if [ -n "$node" ]; then
    ln -s "$node" "$partial/node"
  else
    for found in "$partial"/node_modules/node-linux-*/bin/node; do ln -s "${found#"$partial"/}" "$partial/node"; done
  fi
  "$partial/node" -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 24 || (a == 24 && b >= 12) ? 0 : 1)' ||
    fail 'Node 24.12 or later is needed and does not run here'
}

write_config() {
  run mkdir -p "$config" "$state" "$(dirname "$unit")"
  [ -n "$root" ] || run chown root:"$user" "$config"
  run chmod 750 "$config"
  if [ -e "$config/agent.yaml" ]; then
    say "$config/agent.yaml stays as it is"
    [ -z "$given" ] || say "ignored, as the config is there already:$given; edit it, then: systemctl restart $service"
  elif [ -n "$dry" ]; then
    say "would: write $config/agent.yaml"
  else
    quoted_agent=$(printf %s "$agent" | tr -c 'A-Za-z0-9._:-' - | cut -c1-64)
    sed "s|@AGENT@|$quoted_agent|; s|@SITE@|$site|; s|@UPLINK@|$uplink|" "$here/agent.yaml" \
      >"$config/agent.yaml.new"
    [ -n "$root" ] || chown root:"$user" "$config/agent.yaml.new"
    chmod 640 "$config/agent.yaml.new"
    mv "$config/agent.yaml.new" "$config/agent.yaml"
    say "wrote $config/agent.yaml"
  fi
}

# The folder is made once: rules that somebody deleted or changed do not come back.
write_rules() {
  if [ -e "$config/alert-rules" ]; then
    say "$config/alert-rules stays as it is"
    return 0
  fi
  run rm -rf "$config/.alert-rules.new"
  run cp -R "$here/alert-rules" "$config/.alert-rules.new"
  [ -n "$root" ] || run chown -R root:"$user" "$config/.alert-rules.new"
  run mv "$config/.alert-rules.new" "$config/alert-rules"
}

write_unit() {
  if [ -n "$dry" ]; then
    say "would: write $unit"
    return 0
  fi
  sed "s|@V8_FLAGS@|$v8_flags|" "$here/$service" >"$unit.new"
  if cmp -s "$unit.new" "$unit"; then
    rm "$unit.new"
  else
    mv "$unit.new" "$unit"
    control daemon-reload
  fi
}

# With Type=notify a restart ends when the agent takes readings, or has failed to.
start() {
  control enable "$service"
  control restart "$service"
}

switch_to() {
  before=$(release_of current)
  if [ "$before" = "$1" ]; then
    start || fail "the agent did not start: journalctl -u $service"
    return 0
  fi
  link "releases/$1" "$prefix/current"
  if start; then
    [ -z "$before" ] || link "releases/$before" "$prefix/previous"
    return 0
  fi
  if [ -z "$before" ]; then
    fail "the agent did not start: journalctl -u $service"
  fi
  say "release $1 did not start; going back to $before" >&2
  link "releases/$before" "$prefix/current"
  start || fail "neither did $before: journalctl -u $service"
  fail "release $1 was not taken; $before runs again"
}

# The two newest beside the one in use are enough to go back to.
prune() {
  [ -z "$dry" ] || return 0
  kept=0
  for release in $(ls -1t "$prefix/releases"); do
    [ "$release" != "$(release_of current)" ] && [ "$release" != "$(release_of previous)" ] || continue
    kept=$((kept + 1))
    [ "$kept" -le 1 ] || rm -rf "$prefix/releases/$release"
  done
  rm -rf "$prefix"/releases/.*.partial
}

install_agent() {
  check_system
  make_user
  make_release
  write_config
  write_rules
  write_unit
  switch_to "$release"
  prune
  [ -n "$dry" ] || say "the agent is installed: release $release, config $config/agent.yaml"
}

check_names
case $command in
  install) install_agent ;;
  update)
    [ -L "$prefix/current" ] || fail 'nothing is installed yet: sh install.sh install'
    install_agent ;;
  rollback)
    check_system
    previous=$(release_of previous)
    [ -n "$previous" ] || fail 'there is no release before this one'
    switch_to "$previous"
    say "release $previous runs" ;;
  uninstall)
    check_system
    control disable --now "$service" || true
    run rm -f "$unit"
    control daemon-reload
    run rm -rf "$prefix"
    if [ -n "$purge" ]; then
      run rm -rf "$config" "$state"
      if [ -z "$root" ] && getent passwd "$user" >/dev/null; then run userdel "$user"; fi
    else
      say "config and spool stay: $config $state (uninstall --purge removes them)"
    fi ;;
esac
