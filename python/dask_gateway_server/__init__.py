"""The names that configuration files import from dask_gateway_server.

The gateway itself is not Python: the classes here are names only, for values such as
``c.DaskGateway.backend_class = PBSBackend``, and ``options`` declares cluster options.
"""
