import os
import sys
import time

from dask_gateway_server.options import Bool, Float, Integer, Mapping, Options, Select, String

c.SimpleAuthenticator.password = "a password of the tests"
c.DaskGateway.handler_timeout = 1
c.DBBackendBase.cluster_heartbeat_period = 2


def chosen(options, user):
    return {
        "worker_cores": options.cores,
        "worker_memory": f"{options.memory} G",
        "environment": {
            **options.variables,
            "CHOICE": f"{options.greeting} {options.fast} {options.size}",
            "OWNER": user.name,
        },
    }


def mischief(options):
    if options.do == "raise":
        raise ValueError("There is no more room\nin the inn")
    if options.do == "hang":
        time.sleep(1000)
    if options.do == "exit":
        os._exit(7)
    if options.do == "sys.exit":
        sys.exit("enough")
    if options.do == "print":
        print('{"value": "nonsense"}')
        os.write(1, b"\x00\xff not even text\n")
    return {"scheduler_cmd": ["/bin/sh", "-c", "echo printed; exit 3"]}


async def later(options, user):
    import asyncio

    await asyncio.sleep(0.01)
    return {"scheduler_cmd": ["/bin/sh", "-c", f"echo {options.word} of {user.name}; exit 3"]}


def cluster_options(user):
    if user.name == "alice":
        return Options(
            String("greeting", default="hello", label="A greeting"),
            Bool("fast"),
            Integer("cores", default=1, min=1, max=4),
            Float("memory_gib", default=0.5, min=0.25, max=4, label="GiB of a worker", target="memory"),
            Select("size", ["small", ("large", 2)]),
            Mapping("variables", default={"FIRST": "1"}),
            handler=chosen,
        )
    if user.name == "bob":
        return Options(String("do"), handler=mischief)
    if user.name == "dave":
        return Options(String("word", default="nothing"), handler=later)
    if user.name == "erin":
        raise PermissionError(f"{user.name} may not: {sorted(user.groups)} {user.admin}")
    return Options(Mapping("settings"), handler=lambda options: options.settings)


c.Backend.cluster_options = cluster_options
