from .base import JobQueueBackend, JobQueueClusterConfig


class SlurmBackend(JobQueueBackend):
    pass


class SlurmClusterConfig(JobQueueClusterConfig):
    pass
