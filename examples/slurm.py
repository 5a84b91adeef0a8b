# Clusters as jobs of Slurm, with an environment and a partition that users choose.
from dask_gateway_server.backends.jobqueue.slurm import SlurmBackend
from dask_gateway_server.options import Integer, Options, Select, String

c.DaskGateway.backend_class = SlurmBackend

# HTTP on one port, connections to schedulers on another.
c.Proxy.address = ":8000"
c.Proxy.tcp_address = ":8001"

c.SlurmClusterConfig.partition = "short"
c.SlurmClusterConfig.account = "research"
c.SlurmClusterConfig.qos = "normal"
c.SlurmClusterConfig.staging_directory = "{home}/.dask-gateway/"
c.JobQueueClusterConfig.worker_memory = "4 G"
c.JobQueueClusterConfig.worker_cores = 2

# Jobs may start slowly: five minutes each.
c.JobQueueBackend.cluster_start_timeout = 300
c.JobQueueBackend.worker_start_timeout = 300

# Clusters outlive a restart of the gateway.
c.SlurmBackend.stop_clusters_on_shutdown = False


def options_handler(options, user):
    if options.partition == "long" and "staff" not in user.groups and not user.admin:
        raise ValueError("The partition long is for the group staff")
    setup = f"source ~/miniconda/bin/activate {options.environment}"
    return {
        "worker_cores": options.cores,
        "worker_memory": f"{2 * options.cores} G",
        "partition": options.partition,
        "scheduler_setup": setup,
        "worker_setup": setup,
    }


c.Backend.cluster_options = Options(
    String("environment", default="base", label="Conda environment"),
    Integer("cores", default=1, min=1, max=16, label="Cores of a worker"),
    Select("partition", ["short", "long"], label="Partition"),
    handler=options_handler,
)
