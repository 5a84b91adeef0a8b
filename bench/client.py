# A user's first steps with the unmodified client: ADDRESS → one line of JSON, times in milliseconds.
import json
import sys
import time

from dask_gateway import Gateway

with Gateway(sys.argv[1]) as gateway:
    begun = time.monotonic()
    cluster = gateway.new_cluster(shutdown_on_close=True)
    running = time.monotonic()
    with cluster, cluster.get_client() as client:
        scaled = time.monotonic()
        cluster.scale(4)
        client.wait_for_workers(4, timeout=120)
        connected = time.monotonic()
print(json.dumps({"runningMs": 1000 * (running - begun), "scaleMs": 1000 * (connected - scaled)}))
