from .base import Backend


class DBBackendBase(Backend):
    pass
