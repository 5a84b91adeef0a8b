# Clusters as applications of Hadoop YARN, with Kerberos for the gateway and for its users.
c.DaskGateway.backend_class = "dask_gateway_server.backends.yarn.YarnBackend"
c.YarnBackend.keytab = "/etc/dask-gateway/dask.keytab"
c.YarnBackend.principal = "dask"

c.DaskGateway.authenticator_class = "dask_gateway_server.auth.KerberosAuthenticator"
c.KerberosAuthenticator.keytab = "/etc/dask-gateway/dask.keytab"

# The Python environment is an archive, which YARN unpacks in each container.
c.YarnClusterConfig.localize_files = {
    "environment": {"source": "hdfs:///dask-gateway/example.tar.gz", "visibility": "public"},
}
c.YarnClusterConfig.scheduler_setup = "source environment/bin/activate"
c.YarnClusterConfig.worker_setup = "source environment/bin/activate"

c.YarnClusterConfig.queue = "dask"
c.YarnClusterConfig.worker_memory = "4 G"
c.YarnClusterConfig.worker_cores = 2
c.YarnClusterConfig.cluster_start_timeout = 600
c.YarnClusterConfig.worker_start_timeout = 600
