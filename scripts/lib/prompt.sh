# Sourced by scripts/slurm/demo and scripts/hadoop/demo, with `root` set to the clone: a gateway on a machine of its own, and a
# Python prompt there as the ordinary user alice.
app=/opt/dask-gateway
configuration=/etc/dask-gateway/dask_gateway_config.py

# outside SCRIPT PACKAGE…: what must be there before the machine is made; run as SCRIPT says, as root.
outside() {
  . "$root/scripts/lib/bootstrap.sh"
  demo=$1
  shift
  is_root || fail "a machine of its own needs root; run: sudo npm run $demo"
  packages=$*
  prepare() {
    # shellcheck disable=SC2086 # a list of names
    debian_packages "for $demo" $packages
    node_modules
    compiled
    [ -n "${DASK_GATEWAY_TEST_PYTHON:-}" ] || python_environment "$root/.venv"
  }
  locked "$root/.state/test-install.lock" prepare
}

python=${DASK_GATEWAY_TEST_PYTHON:-$root/.venv/bin/python}

# as USER FOLDER COMMAND…
as() {
  user=$1
  folder=$2
  shift 2
  setpriv "--reuid=$user" "--regid=$user" --init-groups --reset-env env --chdir="$folder" "TERM=${TERM:-dumb}" LANG=C.UTF-8 "$@"
}

# As an administrator would: the package root's own, so that sudo may trust the launcher.
install_gateway() {
  mkdir -p "$app/node_modules" /etc/dask-gateway
  for part in bin dist python package.json; do cp -R "$root/$part" "$app/"; done
  chown -R root:root "$app"
  mount --bind "$root/node_modules" "$app/node_modules"
  install -d -o dask -g dask -m 700 /var/dask-gateway
}

# start_gateway: adds to the configuration what all demos have, and waits until the gateway is ready.
start_gateway() {
  cat >>"$configuration" <<END
c.Proxy.address = ":8000"
c.ClusterConfig.scheduler_cmd = ["$(dirname "$python")/dask", "scheduler"]
c.ClusterConfig.worker_cmd = ["$(dirname "$python")/dask", "worker"]
c.ClusterConfig.worker_memory = "1 G"
c.ClusterConfig.worker_cores = 1
END
  log=/var/log/dask-gateway.log
  as dask /var/dask-gateway "$app/bin/dask-gateway-server" -f "$configuration" >"$log" 2>&1 &
  gateway=$!
  tries=300
  until grep -q 'is ready at' "$log"; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "$gateway" 2>/dev/null; then
      cat "$log" >&2
      fail 'the gateway did not start; its words are above'
    fi
    sleep 0.2
  done
}

# prompt WHAT COMMAND [ARGUMENTS…]: COMMAND shows what runs. With arguments: that command as alice in place of the prompt.
prompt() {
  what=$1
  shows=$2
  shift 2
  # The demo's Python and the command `dask-gateway` by their names alone.
  found="PATH=$(dirname "$python"):$app/bin:/usr/local/bin:/usr/bin:/bin"
  address="DASK_GATEWAY__ADDRESS=http://cluster:8000"
  if [ "$#" -gt 0 ]; then as alice /home/alice "$found" "$address" "$@"; return; fi
  cat <<END

$what, and the gateway on it. You are alice; \`gateway\` is ready:

    cluster = gateway.new_cluster()
    cluster.scale(2)
    client = cluster.get_client()
    print(client.submit(sum, [1, 2, 3]).result())
    import subprocess; print(subprocess.getoutput("$shows"))
    cluster.shutdown()

The end of this prompt (Ctrl-D) ends all of it.

END
  as alice /home/alice "$found" "$address" python -i -c 'import atexit; from dask_gateway import Gateway; gateway = Gateway("http://cluster:8000"); atexit.register(gateway.close)' || true
}
