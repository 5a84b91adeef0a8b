# Steps of a test that stops, kills and starts the gateway meanwhile: it says when it is ready, and waits for a line.
carol = gateway_of("carol")


def step(text):
    print(text, flush=True)
    sys.stdin.readline()


def connected(count):
    until(f"{count} workers", lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == count)


cluster = carol.new_cluster(shutdown_on_close=False)
other = carol.new_cluster(shutdown_on_close=False)
client = cluster.get_client()
cluster.scale(1)
step(f"cluster {cluster.name}")
connected(1)
cluster.scale(3)
step("scaled")
connected(3)
live = [each for each in ask(carol, f"{cluster.name}/workers")["workers"] if not each["stop_time"]]
equal(len(live), 3)
client.close()
carol.stop_cluster(cluster.name)
step("stopped")
equal(ended(carol, cluster.name), "Stopped by carol")
step(f"hanging {other.name}")
equal(ended(carol, other.name, "FAILED"), "No heartbeat of the scheduler for 8 s")
print("done")
