from ._part import Part


class Quotas(Part):
    pass
