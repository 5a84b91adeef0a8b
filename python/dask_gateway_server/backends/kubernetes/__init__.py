from .backend import KubeBackend, KubeClusterConfig

__all__ = ("KubeBackend", "KubeClusterConfig")
