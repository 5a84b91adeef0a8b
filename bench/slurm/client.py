# What a user on Slurm waits for, with the unmodified client: ADDRESS KIND → one line of JSON, times in milliseconds.
import json
import subprocess
import sys
import time

from dask_gateway import Gateway

address, kind = sys.argv[1:]
figures = {}
begun = time.monotonic()


def lap():
    return 1000 * (time.monotonic() - begun)


def jobs():
    return subprocess.run(["squeue", "-h", "--array", "-o", "%i"], capture_output=True).stdout.count(b"\n")


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
            others = jobs()
            begun = time.monotonic()
            cluster.scale(count)
            while jobs() < others + count:
                time.sleep(0.05)
            figures["bulkMs"] = lap()
            if count > 100:
                print("ready", flush=True)
                sys.stdin.readline()
            cluster.shutdown()
print(json.dumps(figures))
