# Sourced by scripts/slurm/machine and scripts/hadoop/machine, with `root` set to the clone and `"$@"` the command: makes this process
# root on a machine of its own, so to say. Processes, network and host name are its own; what is written outside the clone goes
# to memory. When the command ends, or whoever began it does, however, everything in it is killed and nothing of it is left.

# own_machine WHAT SCRIPT ARGUMENTS…: returns inside it; outside, SCRIPT is run again, inside, in place of this process.
own_machine() {
  what=$1
  shift
  if [ "${OWN_MACHINE:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "Error: $what of its own needs root" >&2; exit 1; }
    # The working directory keeps hold of the clone while folders above it are covered.
    cd "$root"
    export OWN_MACHINE=inside PRIVATE_FOLDERS='etc usr var opt home root tmp'
    exec setpriv --pdeathsig=KILL unshare --net --uts --ipc "$root/scripts/lib/private-machine.sh" /run "$@"
  fi
  unset OWN_MACHINE PRIVATE_FOLDERS

  chmod 755 /run
  mount -t tmpfs -o mode=1777 tmpfs /dev/shm
  mount --no-canonicalize --bind . "$root"
  # A clone in somebody's home: its first folder is replaced by an empty one that holds the clone alone.
  if ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$root/scripts/lib/machine.sh"; then
    closed=$root
    while [ "$(dirname "$closed")" != / ]; do closed=$(dirname "$closed"); done
    mkdir /run/clone
    mount --move "$root" /run/clone
    mount -t tmpfs -o mode=755 tmpfs "$closed"
    mkdir -p "$root"
    mount --move /run/clone "$root"
    chmod 755 "$root"
  fi
  cd /
}

# network NAME ALIAS…: the host name NAME, as 10.77.0.1 by all names, beside the loopback.
network() {
  echo "$1" >/proc/sys/kernel/hostname
  echo "10.77.0.1 $*" >>/etc/hosts
  ip link set lo up
  ip address add 10.77.0.1/32 dev lo
}
