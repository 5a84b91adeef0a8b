"""Cluster options: what users may choose for a cluster.

    from dask_gateway_server.options import Options, Integer, Select

    c.Backend.cluster_options = Options(
        Integer("worker_cores", default=1, min=1, max=4, label="Cores of a worker"),
        handler=lambda options, user: {"worker_cores": options.worker_cores},
    )

Every field takes ``field``, ``default``, ``label`` (shown to people; else the field) and ``target`` (the name
under which the handler finds the value; else the field). What users send is checked by the gateway; the checks
here are those of the declaration itself.
"""

import copy

__all__ = ("Options", "String", "Bool", "Integer", "Float", "Select", "Mapping")


class Options:
    """Fields, and a handler that takes ``(options)`` or ``(options, user)`` and returns cluster settings.

    Without a handler the options themselves are the settings.
    """

    def __init__(self, *fields, handler=None):
        for each in fields:
            if not isinstance(each, Field):
                raise TypeError(
                    f"Options takes fields such as String or Integer, got {type(each).__name__!r}"
                )
        if handler is not None and not callable(handler):
            raise TypeError(f"handler must be callable, got {type(handler).__name__!r}")
        self.fields = fields
        self.handler = handler

    def takes_user(self):
        import inspect  # takes its time, which every start would wait for

        try:
            parameters = inspect.signature(self.handler).parameters.values()
        except (TypeError, ValueError):  # some builtins have no signature
            return True
        kinds = [each.kind for each in parameters]
        return len(kinds) != 1 or kinds[0] is inspect.Parameter.VAR_POSITIONAL


class Field:
    kind = ""

    def __init__(self, field, default=None, label=None, target=None):
        if not isinstance(field, str) or not field:
            raise TypeError(f"The name of a field must be a string, got {field!r}")
        self.field = field
        self.default = self.check(default)
        self.label = label or field
        self.target = target or field

    def specification(self):
        """As the API gives it to clients."""
        return {
            "field": self.field,
            "label": self.label,
            "default": self.default,
            "spec": {"type": self.kind, **self.limits()},
        }

    def limits(self):
        return {}

    def check(self, value):
        """The value in this field's own type; raises when it is wrong."""
        raise NotImplementedError

    def chosen(self, value):
        """What the handler gets for a value."""
        return self.check(value)


class String(Field):
    kind = "string"

    def __init__(self, field, default="", label=None, target=None):
        super().__init__(field, default, label, target)

    def check(self, value):
        if not isinstance(value, str):
            raise TypeError(f"{self.field} must be a string, got {value!r}")
        return value


class Bool(Field):
    kind = "bool"

    def __init__(self, field, default=False, label=None, target=None):
        super().__init__(field, default, label, target)

    def check(self, value):
        if not isinstance(value, bool):
            raise TypeError(f"{self.field} must be a bool, got {value!r}")
        return value


class _Number(Field):
    def __init__(self, field, default=0, min=None, max=None, label=None, target=None):
        self.min = None if min is None else self.convert(min)
        self.max = None if max is None else self.convert(max)
        super().__init__(field, default, label, target)

    def limits(self):
        return {"min": self.min, "max": self.max}

    def convert(self, value):
        raise NotImplementedError

    def check(self, value):
        value = self.convert(value)
        if self.min is not None and value < self.min:
            raise ValueError(f"{self.field} must be >= {self.min:f}, got {value}")
        if self.max is not None and value > self.max:
            raise ValueError(f"{self.field} must be <= {self.max:f}, got {value}")
        return value


class Integer(_Number):
    kind = "int"

    def convert(self, value):
        if not isinstance(value, int):
            raise TypeError(f"{self.field} must be an integer, got {value!r}")
        return value


class Float(_Number):
    kind = "float"

    def convert(self, value):
        if not isinstance(value, (int, float)):
            raise TypeError(f"{self.field} must be a float, got {value!r}")
        return float(value)


class Select(Field):
    """``options``: keys (strings), or pairs of a key and any Python object."""

    kind = "select"

    def __init__(self, field, options, default=None, label=None, target=None):
        if isinstance(options, str) or not hasattr(options, "__getitem__"):
            raise TypeError("options must be a sequence")
        if not len(options):
            raise ValueError("There must be at least one option")
        self.options = {}
        for each in options:
            key, value = each if isinstance(each, tuple) else (each, each)
            if not isinstance(key, str):
                raise TypeError(f"Select keys must be strings, got {key!r}")
            self.options[key] = value
        first = next(iter(self.options))
        super().__init__(field, first if default is None else default, label, target)

    def limits(self):
        return {"options": list(self.options)}

    def check(self, value):
        if not isinstance(value, str):
            raise TypeError(f"{self.field} must be a string, got {value!r}")
        if value not in self.options:
            raise ValueError(f"{value!r} is not a valid option for {self.field}")
        return value

    def chosen(self, value):
        return self.options[self.check(value)]


class Mapping(Field):
    kind = "mapping"

    def __init__(self, field, default=None, label=None, target=None):
        super().__init__(field, {} if default is None else default, label, target)

    def check(self, value):
        if not isinstance(value, dict):
            raise TypeError(f"{self.field} must be a mapping, got {value!r}")
        return copy.deepcopy(value)
