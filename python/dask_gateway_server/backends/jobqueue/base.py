from ..base import ClusterConfig
from ..db_base import DBBackendBase


class JobQueueBackend(DBBackendBase):
    pass


class JobQueueClusterConfig(ClusterConfig):
    pass
