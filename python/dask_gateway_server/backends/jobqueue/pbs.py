from .base import JobQueueBackend, JobQueueClusterConfig


class PBSBackend(JobQueueBackend):
    pass


class PBSClusterConfig(JobQueueClusterConfig):
    pass
