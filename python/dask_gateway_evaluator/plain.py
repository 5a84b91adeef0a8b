"""Python values as JSON."""

import math
import os
from datetime import timedelta

from dask_gateway_server._part import Part

from .config import Changes


class NotPlain(Exception):
    """A value that has no JSON form; the text says which and why."""


def plain(value, where="the value", depth=0):
    if depth > 50:
        raise NotPlain(f"{where} is nested too deeply, or contains itself")
    if value is None or isinstance(value, (bool, str)):
        return value if not isinstance(value, str) else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        raise NotPlain(f"{where} is {value!r}, which is no finite number")
    if isinstance(value, (bytes, bytearray)):
        return text_of(value, where)
    if isinstance(value, os.PathLike):
        return plain(os.fspath(value), where, depth + 1)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, type):
        return name_of_class(value, where)
    if isinstance(value, Changes):
        return {
            "$changes": {
                "front": plain(value.front, where, depth + 1),
                "back": plain(value.back, where, depth + 1),
                "inserts": plain(value.inserts, where, depth + 1),
                "entries": plain(value.entries, where, depth + 1),
            }
        }
    if isinstance(value, (list, tuple)):
        return [plain(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each, where, depth + 1) for each in value), key=repr)
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return {
            name_of_key(key, where): plain(value[key], f"{where}[{key!r}]", depth + 1)
            for key in value.keys()
        }
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a number of numpy
        return plain(value.item(), where, depth + 1)
    raise NotPlain(f"{where} is of the type {type(value).__name__}, which is no plain value")


def text_of(value, where):
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise NotPlain(f"{where} is bytes that are no text") from None


def name_of_key(key, where):
    if isinstance(key, str):
        return str(key)
    if isinstance(key, (int, float, bool)) or key is None:
        return str(key)
    raise NotPlain(f"{where} has a key of the type {type(key).__name__}; keys must be strings")


def name_of_class(value, where):
    name = f"{value.__module__}.{value.__qualname__}"
    if issubclass(value, Part):
        return name
    raise NotPlain(
        f"{where} is the Python class {name}, and this gateway has no Python parts. Name one of its own "
        '("dask_gateway_server.…"), or write the part in TypeScript, beside those in src/auth and src/backends; '
        'CONTRIBUTING.md says how ("Add a backend", "Add an authenticator")'
    )
