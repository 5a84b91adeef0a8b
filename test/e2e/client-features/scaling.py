# Adaptive scaling, scaling by hand, and clusters that stop when nobody uses them, at the same time.
carol = gateway_of("carol")
idle = carol.new_cluster(settings={"idle_timeout": 3}, shutdown_on_close=False)
idle_client = idle.get_client(set_as_default=False)
long_task = idle_client.submit(time.sleep, 6)
finished = []
long_task.add_done_callback(lambda future: finished.append((future.status, time.time())))
idle.scale(1)

cluster = carol.new_cluster(settings={"adaptive_period": 0.2}, shutdown_on_close=False)
client = cluster.get_client()
cluster.adapt(minimum=0, maximum=2)


def workers():
    return ask(carol, f"{cluster.name}/workers")["workers"]


def live():
    return [each for each in workers() if each["stop_time"] is None]


equal(workers(), [])


def slowly(n):
    import time

    time.sleep(0.5)
    return n


equal(client.gather(client.map(slowly, range(8))), list(range(8)))
assert 1 <= len(workers()) <= 2, workers()
until("workers to leave", lambda: not live())
for each in workers():
    equal((each["status"], each["reason"]), ("stopped", "Retired by the scheduler"))
print("adaptive")

# Not adaptive any more: what is there stays.
cluster.adapt(minimum=1, maximum=2)
client.wait_for_workers(1, timeout=60)
cluster.adapt(active=False)
before = len(workers())
futures = client.map(slowly, range(100, 104))
equal(client.gather(futures), list(range(100, 104)))
del futures
equal((len(workers()), len(live())), (before, 1))

# By hand, after adapt: up and down.
cluster.adapt(minimum=0, maximum=1)
cluster.scale(2)
client.wait_for_workers(2, timeout=60)
cluster.scale(1)
until("one worker", lambda: len(live()) == 1 and len(client.scheduler_info()["workers"]) == 1)
# A busy one stays when all are asked to leave, until its task is done: nothing is lost.
cluster.scale(0)
until("no worker", lambda: not live())
equal({each["status"] for each in workers()}, {"stopped"})
cluster.shutdown()
ended(carol, cluster.name)
print("by hand")

equal(ended(carol, idle.name), "Idle for 3 s")
((status, finished_at),) = finished
equal(status, "finished")
equal([each["message"] for each in events(carol, idle.name, "stop-requested")], ["Idle for 3 s"])
asked = events(carol, idle.name, "stop-requested")[0]["time"] / 1000
# The client hears of the task's end a little later than the scheduler.
assert asked - finished_at >= 2, (asked, finished_at)
idle_client.close()
idle.close()
equal(carol.list_clusters(), [])
print("idle")
