# Part of the old server's configuration: a backend whose clusters are records only.
from dask_gateway_server.backends.db_base import DBBackendBase


class IdleBackend(DBBackendBase):
    async def do_setup(self):
        pass

    async def do_cleanup(self):
        pass

    async def do_start_cluster(self, cluster):
        yield {}

    async def do_stop_cluster(self, cluster):
        pass

    async def do_check_clusters(self, clusters):
        return [True] * len(clusters)

    async def do_start_worker(self, worker):
        yield {}

    async def do_stop_worker(self, worker):
        pass

    async def do_check_workers(self, workers):
        return [True] * len(workers)


c.DaskGateway.backend_class = IdleBackend
