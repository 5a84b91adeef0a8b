# Quotas: how much each user and each group may have, with a line for those who must wait.

c.DaskGateway.backend_class = "dask_gateway_server.backends.local.UnsafeLocalBackend"

c.Quotas.user = {"clusters": 3, "workers": 40, "cores": 48, "memory": "192 G"}
c.Quotas.users = {"nightly": {"clusters": None}}
c.Quotas.groups = {"physics": {"cores": 256}}
c.Quotas.over = "queue"
