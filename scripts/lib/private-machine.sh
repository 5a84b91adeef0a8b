#!/bin/sh
# private-machine.sh FOLDER COMMAND…: runs a command as root on a machine of its own, so to say: with its own process ids, and
# with /etc, /usr, /var and /opt (or those in PRIVATE_FOLDERS) as they are, but what is written there goes to memory and is gone at
# the end, users and packages too. FOLDER is where that memory is mounted. Everything that still runs at the end is killed.
set -eu
if [ "${PRIVATE_MACHINE:-}" != inside ]; then
  PRIVATE_MACHINE=inside exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$0" "$@"
fi
unset PRIVATE_MACHINE
folder=$1
shift
mount -t tmpfs tmpfs "$folder"
for name in ${PRIVATE_FOLDERS:-etc usr var opt}; do
  mkdir -p "$folder/$name/upper" "$folder/$name/work"
  # The folder that is seen has the mode of the upper one.
  chmod --reference="/$name" "$folder/$name/upper"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=$folder/$name/upper,workdir=$folder/$name/work" "/$name"
done
# Not exec: the first process of a process space must wait for orphans, or they would count as running.
"$@"
