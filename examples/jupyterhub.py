# A gateway that a JupyterHub runs as its service; the hub's side of it is in docs/jupyterhub.md. The hub tells its
# services by the environment who they are: API, token, service name, OAuth client.
import os
from urllib.parse import urlsplit

c.DaskGateway.authenticator_class = "dask_gateway_server.auth.JupyterHubAuthenticator"

# Where the hub's proxy finds us, and below which path of its address we are.
service_url = os.environ.get("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:8010")
c.Proxy.address = urlsplit(service_url).netloc
c.Proxy.prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/services/dask-gateway/").rstrip("/")
# What the hub's proxy says about a browser's address and scheme is believed.
c.DaskGateway.trusted_proxies = ["127.0.0.1"]

# The traffic between clients and schedulers is TLS of their own, which the hub's proxy cannot carry: users connect to
# this port directly.
c.Proxy.tcp_address = ":8011"
