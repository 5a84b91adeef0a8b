# What a user on a queue waits for, with the unmodified client: ADDRESS QUEUE KIND → one line of JSON, times in milliseconds.
import json
import subprocess
import sys
import time
from urllib.request import urlopen

from dask_gateway import Gateway

address, queue, kind = sys.argv[1:]
figures = {}
begun = time.monotonic()


def lap():
    return 1000 * (time.monotonic() - begun)


def jobs():
    return subprocess.run(["squeue", "-h", "--array", "-o", "%i"], capture_output=True).stdout.count(b"\n")


def containers():
    with urlopen("http://cluster.dask.test:8042/ws/v1/node/containers", timeout=20) as answer:
        return answer.read().count(b'"state":"RUNNING"')


def requests():
    """How often YARN was asked for containers, as far as its log says so."""
    with open("/var/log/hadoop/resourcemanager.log", "rb") as log:
        return log.read().count(b"allocate: pre-update")


started = {"slurm": jobs, "yarn": containers}[queue]

with Gateway(address) as gateway:
    if kind in ("refused", "dying"):
        begun = time.monotonic()
        try:
            gateway.new_cluster(kind=kind)
        except Exception:
            figures[kind + "Ms"] = lap()
    else:
        begun = time.monotonic()
        cluster = gateway.new_cluster(kind=kind, shutdown_on_close=True)
        if kind == "real":
            figures["runningMs"] = lap()
            with cluster, cluster.get_client() as client:
                begun = time.monotonic()
                cluster.scale(1)
                client.wait_for_workers(1, timeout=120)
                figures["workerMs"] = lap()
        else:
            count = int(kind.removeprefix("sleeping"))
            others = started()
            requested = requests() if queue == "yarn" else 0
            begun = time.monotonic()
            cluster.scale(count)
            while started() < others + count:
                time.sleep(0.05)
            figures["bulkMs"] = lap()
            if queue == "yarn":
                figures["requests"] = requests() - requested
            if count > 100:
                print("ready", flush=True)
                sys.stdin.readline()
            cluster.shutdown()
print(json.dumps(figures))
