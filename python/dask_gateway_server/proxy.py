from ._part import Part


class Proxy(Part):
    pass
