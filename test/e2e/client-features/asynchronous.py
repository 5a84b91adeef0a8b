async def main():
    async with gateway_of("carol", asynchronous=True) as gateway:
        versions = await gateway.get_versions()
        equal(versions["client"]["version"], "2026.3.0")
        assert versions["server"]["version"], versions
        equal(await gateway.list_clusters(), [])
        name = await gateway.submit(settings={})
        (report,) = await gateway.list_clusters(status="pending")
        equal((report.name, report.tls_key, report.security), (name, None, None))
        async with gateway.connect(name) as cluster:
            equal(cluster.scheduler_info["workers"], {})
            await gateway.scale_cluster(name, 1)
            async with cluster.get_client() as client:
                equal(await client.submit(lambda: 42), 42)
            await gateway.adapt_cluster(name, minimum=1, maximum=1)
        report = await gateway.get_cluster(name)
        equal((report.status, report.options), (ClusterStatus.RUNNING, {"settings": {}}))
        assert report.security is not None and report.stop_time is None, report
        equal([each.name for each in await gateway.list_clusters(["running", ClusterStatus.PENDING])], [name])
        assert name not in [each.name for each in await gateway.list_clusters("stopped")]

        # shutdown_on_close, of one that was submitted and of one that is new.
        cluster = await gateway.connect(name, shutdown_on_close=True)
        await cluster.close()
        async with gateway.new_cluster() as other:
            pass
        for each in (name, other.name):
            while (await gateway.get_cluster(each)).status != ClusterStatus.STOPPED:
                await asyncio.sleep(0.05)
            report = await gateway.get_cluster(each)
            assert report.stop_time >= report.start_time, report
            await gateway.stop_cluster(each)
        equal({each.name for each in await gateway.list_clusters("stopped")} >= {name, other.name}, True)
        await gateway.stop_cluster("0" * 32)


asyncio.run(main())
print("asynchronous")

carol, frank = gateway_of("carol"), gateway_of("frank")
cluster = carol.new_cluster(shutdown_on_close=False)
# The worker-count of the widget: subscribed right after RUNNING, and kept up to date through the tunnel.
equal(cluster.scheduler_info["workers"], {})
assert cluster._watch_worker_status_task is not None
cluster.scale(1)
until("the widget's count", lambda: "<th>Workers</th> <td>1</td>" in " ".join(cluster._widget_status().split()))
assert "2.00 GiB" in cluster._widget_status(), cluster._widget_status()
cluster.scale(0)
until("the widget's count", lambda: "<th>Workers</th> <td>0</td>" in " ".join(cluster._widget_status().split()))
assert cluster.dashboard_link.startswith(f"{ADDRESS}/clusters/{cluster.name}/"), cluster.dashboard_link
assert cluster.dashboard_link in cluster._repr_html_() and cluster.name in repr(cluster)
print("widget")

# Two users: neither sees or touches the other's.
equal(frank.list_clusters(), [])
for act in (
    lambda: frank.get_cluster(cluster.name),
    lambda: frank.connect(cluster.name),
    lambda: frank.scale_cluster(cluster.name, 1),
    lambda: frank.adapt_cluster(cluster.name),
    lambda: frank.stop_cluster(cluster.name),
    lambda: ask(frank, f"{cluster.name}/logs"),
    lambda: ask(frank, f"{cluster.name}/events"),
):
    text = failure(aiohttp.ClientResponseError, act)
    assert text.startswith(f"403, message='User frank lacks permissions to view cluster {cluster.name}'"), text
equal(failure(ValueError, carol.get_cluster, "0" * 32), f"Cluster {'0' * 32} not found")
for wrong in (gateway_of("carol", "a guess"), gateway_of("carol", "")):
    text = failure(aiohttp.ClientResponseError, wrong.list_clusters)
    assert text.startswith("401, message='Wrong user name or password'"), text
equal(failure(ValueError, carol.scale_cluster, cluster.name, -1), "Scale expects a non-negative integer, got -1")

# Not shut down by leaving it, seen again by its name, and then stopped under the other's feet.
again = carol.connect(cluster.name)
cluster.close()
equal([each.name for each in carol.list_clusters()], [cluster.name])
carol.stop_cluster(cluster.name)
equal(carol.list_clusters(), [])
not_running = f"cluster {cluster.name} is not running"
equal(failure(GatewayClusterError, again.scale, 1), not_running)
ended(carol, cluster.name)
equal(failure(GatewayClusterError, again.scale, 1), not_running)
equal(failure(GatewayClusterError, again.adapt, 0, 1), not_running)
equal(
    failure(GatewayClusterError, carol.connect, cluster.name),
    f"Cluster {cluster.name!r} is already stopped",
)
again.shutdown()

with carol, frank, carol.new_cluster() as cluster:
    name = cluster.name
with gateway_of("carol") as other:
    equal(other.list_clusters(), [])
    ended(other, name)
print("users")
