"""``c``: what configuration files assign to, with the manners of traitlets' Config.

``c.Class.setting = value`` and ``c["Class"]["setting"] = value`` are the same. Reading a setting that nothing
has set gives a ``Changes``, so that ``c.Class.setting.append(x)`` changes the default, whatever it is.
"""

import os
import sys

OURS = os.path.dirname(os.path.abspath(__file__))


class Config(dict):
    """The classes. A class within a class (``c.A.B``) is the class itself."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __missing__(self, name):
        section = Section(self)
        dict.__setitem__(self, name, section)
        return section

    def __setattr__(self, name, value):
        self[name] = value

    def __setitem__(self, name, value):
        if not isinstance(value, dict):
            raise TypeError(
                f"c.{name} = … is no setting: settings are written c.Class.setting = value"
            )
        if value is not self.get(name):
            self.pop(name, None)
            self[name].update(value)

    def __delattr__(self, name):
        self.pop(name, None)

    def update(self, *others, **more):
        for name, value in dict(*others, **more).items():
            self[name].update(value)

    merge = update


class Section(dict):
    """The settings of one class, each with the place of its assignment."""

    def __init__(self, config):
        super().__init__()
        object.__setattr__(self, "_config", config)
        object.__setattr__(self, "_places", {})

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __missing__(self, name):
        if is_class_name(name):
            return self._config[name]
        changes = Changes()
        self[name] = changes
        return changes

    def __setattr__(self, name, value):
        self[name] = value

    def __setitem__(self, name, value):
        if is_class_name(name) and isinstance(value, dict):
            self._config[name].update(value)
            return
        self._places[name] = calling_place()
        super().__setitem__(name, value)

    def __delattr__(self, name):
        self.pop(name, None)

    def setdefault(self, name, default=None):
        if name not in self or isinstance(self[name], Changes):
            self[name] = default
        return self[name]

    def update(self, *others, **more):
        for name, value in dict(*others, **more).items():
            self[name] = value

    def place(self, name):
        return self._places.get(name)


class Changes:
    """Changes to a value that is not known here: the default, or what an earlier source gave."""

    def __init__(self):
        self.front = []
        self.back = []
        self.inserts = []
        self.entries = {}

    def append(self, value):
        self.back.append(value)

    def extend(self, values):
        self.back.extend(values)

    def __iadd__(self, values):
        self.extend(values)
        return self

    def prepend(self, values):
        self.front[:0] = values

    def insert(self, index, value):
        if not isinstance(index, int):
            raise TypeError("An integer is required")
        self.inserts.append([index, value])

    def add(self, value):
        self.back.append(value)

    def update(self, other=(), **more):
        if isinstance(other, (list, tuple, set, frozenset)) and not is_pairs(other):
            self.back.extend(other)
        else:
            self.entries.update(other, **more)

    def __setitem__(self, key, value):
        self.entries[key] = value

    def __bool__(self):
        return bool(self.front or self.back or self.inserts or self.entries)


def is_class_name(name):
    return isinstance(name, str) and name[:1].isupper()


def is_pairs(values):
    return all(isinstance(each, (list, tuple)) and len(each) == 2 for each in values)


def calling_place():
    """File and line of the innermost frame that is not ours."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(OURS):
        frame = frame.f_back
    return None if frame is None else (frame.f_code.co_filename, frame.f_lineno)
