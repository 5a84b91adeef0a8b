from .base import ClusterConfig
from .db_base import DBBackendBase


class LocalBackend(DBBackendBase):
    pass


class UnsafeLocalBackend(LocalBackend):
    pass


class LocalClusterConfig(ClusterConfig):
    pass
