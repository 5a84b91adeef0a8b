# People log in at an OpenID provider, here a Keycloak; docs/oidc.md has its side, and others.
c.DaskGateway.authenticator_class = "dask_gateway_server.auth.OIDCAuthenticator"
c.OIDCAuthenticator.provider_name = "Example login"
c.OIDCAuthenticator.issuer = "https://login.example.org/realms/science"
c.OIDCAuthenticator.client_id = "dask-gateway"
c.OIDCAuthenticator.client_secret_file = "/etc/dask-gateway/oidc-secret"
# The same as the provider has it, letter for letter.
c.OIDCAuthenticator.callback_url = "https://dask.example.org/oauth_callback"

# In a Keycloak, user names are unique, and users cannot change theirs unless "Edit username" is on. Where that is not
# so, leave it out: users are then named by "sub".
c.OIDCAuthenticator.username_claim = "preferred_username"
c.OIDCAuthenticator.allowed_groups = ["dask-users"]
c.OIDCAuthenticator.admin_groups = ["dask-admins"]

c.Proxy.address = ":443"
c.Proxy.tls_cert = "/etc/dask-gateway/cert.pem"
c.Proxy.tls_key = "/etc/dask-gateway/key.pem"
