gateway = gateway_of("frank")
(report,) = gateway.list_clusters("failed")
last = events(gateway, report.name)[-1]
equal(last["kind"], "cluster-failed")
assert "status 3" in last["message"], last
equal(last["details"]["log_tail"], ["the moon is in the way"])
equal(failure(GatewayClusterError, gateway.scale_cluster, report.name, 1), f"cluster {report.name} is not running")
