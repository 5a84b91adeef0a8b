# Sourced by scripts/start and scripts/test with `root` set to the clone: what a machine with only Node 20, npm and Python
# must be given first. Every step says beforehand what it installs and why, is skipped when its work is done, and leaves
# the mark of that for last, so that an interrupted one is begun again.

umask 022
# Under `npm run`, PATH begins with our own node_modules/.bin, which may be half installed.
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/' | paste -sd: -)
unset NODE_OPTIONS NODE_PATH NODE_ENV PYTHONHOME PYTHONPATH VIRTUAL_ENV

say() { printf '==> %s\n' "$*" >&2; }
fail() { printf 'Error: %s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }

# One digest for the contents of files and folders (and for names, since a renamed file is a change).
digest() { find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1; }

# is_stamped FILE TEXT: whether the work that TEXT describes was done to its end.
is_stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# locked FILE COMMAND…: one at a time; two starts at once would install over each other.
locked() {
  lock_file=$1
  shift
  mkdir -p "$(dirname "$lock_file")"
  (
    flock -n 9 || { say "waiting for another installation to end ($lock_file)"; flock -w 900 9; } ||
      fail "another installation has held $lock_file for 15 minutes"
    "$@"
  ) 9>"$lock_file"
}

# debian_packages WHY PACKAGE…: installs those that are missing.
debian_packages() {
  why=$1
  shift
  missing=
  for package in "$@"; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = 'install ok installed' ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "needed $why:$missing (the Debian names); install them and try again"
  is_root || fail "needed $why:$missing; run as root: apt-get install$missing"
  say "installing Debian packages$missing ($why)"
  DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  # shellcheck disable=SC2086 # a list of names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}

# The packages of the lock file, the pinned Node 24 among them, in node_modules/.
node_modules() {
  command -v npm >/dev/null || fail 'npm is missing; install Node 20 or newer with npm'
  node "$root/scripts/lib/is-installed.mjs" "$root" && return 0
  say "installing Node 24 and the packages of package-lock.json into $root/node_modules"
  (cd "$root" && npm ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund --no-progress --loglevel=error >&2)
}

# dist/, which the commands run.
compiled() {
  sources=$(digest "$root/src" "$root/client/src" "$root/client/command" "$root/web" "$root/scripts/build" "$root/scripts/lib/bundle.ts" "$root/scripts/lib/bundle-page.ts" "$root/tsconfig.json" "$root/tsconfig.build.json" "$root/package-lock.json")
  is_stamped "$root/dist/.stamp" "$sources" && return 0
  say "compiling $root/src, client and web to $root/dist"
  "$root/scripts/build"
  printf '%s\n' "$sources" >"$root/dist/.stamp"
}

# system_python: prints a Python, 3.10 or newer, that can make environments. As root it is the machine's own: one below a
# home directory could not be run by another user.
system_python() {
  python=/usr/bin/python3
  is_root || python=$(command -v python3 || true)
  if ! can_make_environments "$python" && is_root; then
    debian_packages 'to make a Python environment' python3 python3-venv
  fi
  can_make_environments "$python" ||
    fail "no Python 3.10 or newer with venv and ensurepip (tried ${python:-python3}); on Debian, as root: apt-get install python3 python3-venv"
  printf '%s\n' "$python"
}

can_make_environments() {
  [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
}

# python_environment DIRECTORY [FOLDER WHAT]: what FOLDER pins, WHAT in words; without them Dask and the client.
python_environment() {
  pins=${2:-"$root/scripts/python"}
  contents=${3:-'dask, distributed, bokeh, pandas, pyarrow and dask-gateway'}
  wanted="$(digest "$pins") $1"
  is_stamped "$1/.stamp" "$wanted" && "$1/bin/python" -c '' 2>/dev/null && return 0
  python=$(system_python)
  say "making a Python environment in $1 with $contents ($("$python" --version))"
  rm -rf "$1"
  "$python" -m venv "$1" >&2
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$pins/requirements.txt" -c "$pins/constraints.txt" >&2
  printf '%s\n' "$wanted" >"$1/.stamp"
}
