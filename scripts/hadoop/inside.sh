# Sourced by what must run on a machine made by `machine` and nowhere else.
set -eu
here=$(cd "$(dirname "$(readlink -f -- "$0")")" && pwd -P)
fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
[ -e /run/hadoop-machine ] || fail "${0##*/} is only for the machine that scripts/hadoop/machine makes"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
realm=/var/lib/kerberos

# until_true SECONDS WHAT COMMAND…
until_true() {
  tries=$(($1 * 5))
  what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "waited too long for $what"
    sleep 0.2
  done
}
