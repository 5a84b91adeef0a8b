class Part:
    """The name of a part of the gateway. It may be assigned to a setting, and nothing else."""

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if cls.__module__.partition(".")[0] == "dask_gateway_server":
            return
        parents = ", ".join(
            f"{base.__module__}.{base.__qualname__}"
            for base in cls.__bases__
            if issubclass(base, Part)
        )
        raise TypeError(
            f"{cls.__qualname__} cannot inherit from {parents}: this gateway is written in TypeScript, "
            "and its Python classes are names only. Write the part in TypeScript, beside those in src/auth "
            'and src/backends; CONTRIBUTING.md says how ("Add a backend", "Add an authenticator")'
        )

    def __new__(cls, *arguments, **keywords):
        raise TypeError(
            f"{cls.__module__}.{cls.__qualname__} is a name only and makes no objects; "
            "assign the class itself to a setting"
        )
