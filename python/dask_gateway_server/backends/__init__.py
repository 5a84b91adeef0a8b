from .base import Backend, ClusterConfig

__all__ = ("Backend", "ClusterConfig")
