"""An older place of these names, which the install guides still use."""

from .jobqueue.slurm import SlurmBackend, SlurmClusterConfig

__all__ = ("SlurmBackend", "SlurmClusterConfig")
