gateway = gateway_of("frank")
command = ["/bin/sh", "-c", "echo the moon is in the way >&2; exit 3"]
text = failure(GatewayClusterError, gateway.new_cluster, settings={"scheduler_cmd": command})
(report,) = gateway.list_clusters("failed")
equal(text, f"Cluster {report.name!r} failed to start, see logs for more information")
assert report.stop_time is not None and report.security is None and report.dashboard_link is None
equal(gateway.list_clusters(), [])
