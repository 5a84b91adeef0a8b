"""Cluster options of one user: their fields, and the settings that a choice comes to."""

import sys
import traceback
from collections.abc import Mapping

from dask_gateway_server.options import Options

from .plain import NotPlain, plain


class User:
    """Who asks: ``name``, ``groups`` (a set) and ``admin``."""

    def __init__(self, name, groups, admin):
        self.name = name
        self.groups = set(groups)
        self.admin = admin

    def __repr__(self):
        return f"User(name={self.name!r}, groups={self.groups!r}, admin={self.admin!r})"


class Chosen(Mapping):
    """The options that a handler gets, as attributes or items; not to be changed."""

    __slots__ = ("_values",)

    def __init__(self, values):
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name):
        try:
            return object.__getattribute__(self, "_values")[name]
        except KeyError:
            raise AttributeError(f"there is no option {name!r}") from None

    def __setattr__(self, name, value):
        raise AttributeError("options cannot be changed")

    def __getitem__(self, name):
        return self._values[name]

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __dir__(self):
        return [*super().__dir__(), *(each for each in self if each.isidentifier())]

    def __repr__(self):
        return f"options({self._values!r})"


def fields(source, user):
    """The fields of options, or of what a callable gives for this user."""
    return guarded(lambda: [plain(f.specification(), f.field) for f in options_for(source, user).fields])


def settings(source, user, values):
    """Cluster settings for values that the gateway has checked."""

    def run():
        options = options_for(source, user)
        chosen = {f.target: f.chosen(values.get(f.field, f.default)) for f in options.fields}
        if options.handler is None:
            return as_settings(chosen)
        who = (User(**user),) if options.takes_user() else ()
        return as_settings(finished(options.handler(Chosen(chosen), *who)))

    return guarded(run)


def options_for(source, user):
    given = source if isinstance(source, Options) else finished(source(User(**user)))
    if not isinstance(given, Options):
        raise NotPlain(f"cluster_options(user) gave {type(given).__name__}, which is no Options")
    return given


def as_settings(given):
    if not isinstance(given, Mapping):
        raise NotPlain(
            f"the option handler gave {type(given).__name__}, which is no dict of cluster settings"
        )
    return plain(given, "what the option handler gave")


def finished(result):
    """Handlers may be async."""
    # Importing these takes as long as Python's own start, which every gateway would wait for.
    import inspect

    if not inspect.isawaitable(result):
        return result

    import asyncio

    async def wait():
        return await result

    return asyncio.run(wait())


def guarded(run):
    try:
        return {"value": run()}
    except NotPlain as error:
        return {"error": {"kind": "value", "message": str(error)}}
    except SystemExit as error:
        return {"error": {"kind": "exit", "message": f"it called sys.exit({error.code!r})"}}
    except BaseException as error:
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        return {"error": {"kind": "raised", "message": str(error) or type(error).__name__}}
