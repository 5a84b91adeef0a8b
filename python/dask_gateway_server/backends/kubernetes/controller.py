from ..._part import Part


class KubeController(Part):
    pass
