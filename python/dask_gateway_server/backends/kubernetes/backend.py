from ..base import Backend, ClusterConfig


class KubeBackend(Backend):
    pass


class KubeClusterConfig(ClusterConfig):
    pass
