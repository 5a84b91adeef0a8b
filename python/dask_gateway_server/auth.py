from ._part import Part


class Authenticator(Part):
    pass


class SimpleAuthenticator(Authenticator):
    pass


class KerberosAuthenticator(Authenticator):
    pass


class JupyterHubAuthenticator(Authenticator):
    pass


class OIDCAuthenticator(Authenticator):
    pass
