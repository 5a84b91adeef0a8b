"""An older place of these names, which the install guides still use."""

from .jobqueue.pbs import PBSBackend, PBSClusterConfig

__all__ = ("PBSBackend", "PBSClusterConfig")
