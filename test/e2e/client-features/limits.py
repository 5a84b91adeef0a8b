carol = gateway_of("carol")
idle = ["/bin/sleep", "1000"]  # a worker that costs nothing and never connects
for limits, limit in [
    (dict(cluster_max_workers=1), 1),
    (dict(cluster_max_cores=3.5, scheduler_cores=1, worker_cores=2), 1),
    (dict(cluster_max_memory="3 G", scheduler_memory="512 M", worker_memory="1 G"), 2),
]:
    with carol.new_cluster(settings={"worker_cmd": idle, **limits}) as cluster:
        asked = limit + 2
        exceeds = f"workers would exceed resource limit of {limit} workers."
        equal(
            warning(cluster.scale, asked),
            f"Scale request of {asked} {exceeds} Scaling to {limit} instead.",
        )
        until("workers", lambda: len(ask(carol, f"{cluster.name}/workers")["workers"]) >= limit)
        for bounds, wanted, used in [
            (dict(maximum=asked), (asked, 0), (limit, 0)),
            (dict(minimum=asked), (limit, asked), (limit, limit)),
            (dict(minimum=asked, maximum=asked + 1), (asked + 1, asked), (limit, limit)),
        ]:
            equal(
                warning(cluster.adapt, **bounds),
                f"Adapt with `maximum={wanted[0]}, minimum={wanted[1]}` {exceeds} "
                f"Using `maximum={used[0]}, minimum={used[1]}` instead.",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cluster.adapt(minimum=0, maximum=limit)
            cluster.adapt()
            cluster.scale(limit)

        def live():
            return [each for each in ask(carol, f"{cluster.name}/workers")["workers"] if not each["stop_time"]]

        until("as many as are allowed", lambda: len(live()) == limit)

for settings, text in [
    (
        dict(cluster_max_memory="512 M", scheduler_memory="2 G"),
        "Scheduler memory request of 2.00 GiB exceeds cluster memory limit of 512.00 MiB",
    ),
    (
        dict(cluster_max_cores=1, scheduler_cores=2),
        "Scheduler cores request of 2 exceeds cluster cores limit of 1.0",
    ),
]:
    equal(failure(ValueError, carol.new_cluster, settings=settings), text)
equal(carol.list_clusters(), [])
print("done")
