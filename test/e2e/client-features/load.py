import numpy as np

carol = gateway_of("carol")
with carol.new_cluster() as cluster:
    cluster.scale(2)
    with cluster.get_client() as client:
        client.wait_for_workers(2, timeout=60)
        data = np.random.default_rng(7).integers(0, 256, 100 << 20, dtype="uint8")
        begun = time.monotonic()
        future = client.scatter(data)
        there = time.monotonic() - begun
        back = client.gather(future)
        print(f"100 MiB: scattered in {there:.2f} s, both ways in {time.monotonic() - begun:.2f} s")
        assert (back == data).all()
        assert client.submit(lambda x: int(x.sum(dtype="int64")), future).result(60) == int(data.sum(dtype="int64"))

        # What a worker prints is in its log, while it runs and after.
        def say():
            print("a word of the worker", flush=True)

        said = client.run(say)
        for each in ask(carol, f"{cluster.name}/workers")["workers"]:
            log = ask(carol, f"{cluster.name}/logs?worker={each['name']}")
            assert "a word of the worker" in log, log
        assert "Register worker" in ask(carol, f"{cluster.name}/logs")

    # Many clients of one cluster at once.
    async def one(n):
        async with gateway_of("carol", asynchronous=True) as gateway:
            async with gateway.connect(cluster.name) as mine:
                async with mine.get_client(set_as_default=False) as client:
                    return await client.submit(lambda: n * n, pure=False)

    async def many():
        return await asyncio.gather(*(one(n) for n in range(20)))

    equal(asyncio.run(many()), [n * n for n in range(20)])
for each in ask(carol, f"{cluster.name}/workers")["workers"]:
    until("the end", lambda: carol.get_cluster(cluster.name).status.name == "STOPPED")
    assert "a word of the worker" in ask(carol, f"{cluster.name}/logs?worker={each['name']}")
print("one cluster")


# Five clusters of three users, at once.
async def whole(user, n):
    async with gateway_of(user, asynchronous=True) as gateway:
        async with gateway.new_cluster() as cluster:
            equal(cluster.scheduler_info["workers"], {})
            await cluster.scale(1)
            async with cluster.get_client(set_as_default=False) as client:
                return cluster.name, await client.submit(lambda: n + 1)


async def five():
    return await asyncio.gather(*(whole(user, n) for n, user in enumerate(["carol", "frank", "grace", "carol", "frank"])))


results = asyncio.run(five())
equal([each[1] for each in results], [1, 2, 3, 4, 5])
equal(len({each[0] for each in results}), 5)
for user in ("carol", "frank", "grace"):
    equal(gateway_of(user).list_clusters(), [])
print("five clusters")
