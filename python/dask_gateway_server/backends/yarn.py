from .base import ClusterConfig
from .db_base import DBBackendBase


class YarnBackend(DBBackendBase):
    pass


class YarnClusterConfig(ClusterConfig):
    pass
