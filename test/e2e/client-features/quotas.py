alice = gateway_of("alice")


def seen(name):
    """Its status, by a route that is no use of the cluster."""
    found = [each for each in alice.list_clusters(list(ClusterStatus)) if each.name == name]
    return found[0].status.name


with alice.new_cluster() as one:
    equal(
        warning(one.scale, 9),
        "Scale request of 9 workers would exceed the quota of user alice (3 workers, 0 in use). Scaling to 3 instead.",
    )
    until("three workers", lambda: len(one.scheduler_info["workers"]) == 3)
    equal(
        warning(one.adapt, minimum=1, maximum=5),
        "Adapt with `maximum=5, minimum=1` workers would exceed the quota of user alice (3 workers, 0 in use). "
        "Using `maximum=3, minimum=1` instead.",
    )
    with alice.new_cluster() as two:
        equal(
            failure(GatewayClusterError, alice.new_cluster),
            "The quota of user alice is 2 clusters and 2 are in use; 1 more was asked for. "
            "Stop a cluster that is not needed, or ask an administrator for more.",
        )
until("room", lambda: seen(one.name) == "STOPPED" == seen(two.name))
print("quotas")

name = alice.submit(settings={"client_timeout": 4, "end_warning": 2})
cluster = alice.connect(name)
client = cluster.get_client()
time.sleep(7)  # longer than without a client
equal(client.nthreads(), {})
equal(seen(name), "RUNNING")
equal(events(alice, name, "cluster-ending"), [])
client.close()
cluster.close(shutdown=False)
until("its end", lambda: seen(name) == "STOPPED")
equal(
    [each["message"] for each in events(alice, name) if each["kind"] in ("cluster-ending", "stop-requested")],
    [
        "The cluster ends in 2 s: No client was connected for 4 s (client_timeout)",
        "No client was connected for 4 s (client_timeout)",
    ],
)
print("clients")

with alice.new_cluster(settings={"cluster_max_lifetime": 3, "end_warning": 1}) as short:
    until("its end", lambda: seen(short.name) == "STOPPED")
    equal(events(alice, short.name)[-1]["message"], "Its lifetime of 3 s is over (cluster_max_lifetime)")
print("lifetime")
