from .._part import Part


class Backend(Part):
    pass


class ClusterConfig(Part):
    pass
