# Clusters as jobs of PBS.
c.DaskGateway.backend_class = "dask_gateway_server.backends.jobqueue.pbs.PBSBackend"

# The commands, as they are on every node.
c.PBSClusterConfig.scheduler_cmd = "~/miniconda/bin/dask-scheduler"
c.PBSClusterConfig.worker_cmd = "~/miniconda/bin/dask-worker"

c.PBSClusterConfig.queue = "dask"
c.PBSClusterConfig.account = "research"
c.PBSClusterConfig.project = "weather"
c.PBSClusterConfig.worker_resource_list = "select=1:ncpus={cores}:mem={memory}"
c.PBSClusterConfig.worker_memory = "4 G"
c.PBSClusterConfig.worker_cores = 2

# The home directories are on a shared file system, so PBS need not copy anything.
c.PBSClusterConfig.use_stagein = False

# Where the job queue's own commands are, when they are not on PATH.
c.PBSBackend.submit_command = "/opt/pbs/bin/qsub"
c.PBSBackend.cancel_command = "/opt/pbs/bin/qdel"
c.PBSBackend.status_command = "/opt/pbs/bin/qstat"

c.PBSBackend.cluster_start_timeout = 300
c.PBSBackend.worker_start_timeout = 300
