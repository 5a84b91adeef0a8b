# Clusters as processes on this machine, all under the gateway's own account: for trying out.
c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"

# Only this machine may connect; users and schedulers share one port.
c.Proxy.address = "127.0.0.1:8000"

# One password for everybody.
c.SimpleAuthenticator.password = "change-me"

# Schedulers and workers get these variables of the gateway, besides the usual ones.
c.LocalBackend.inherited_environment.append("OMP_NUM_THREADS")

c.LocalClusterConfig.worker_memory = "1 G"
c.LocalClusterConfig.worker_cores = 1
c.LocalClusterConfig.cluster_max_workers = 4
c.LocalClusterConfig.idle_timeout = 3600
