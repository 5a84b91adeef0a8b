# All six kinds of cluster options, and options that depend on the user.
from dask_gateway_server.options import Bool, Float, Integer, Mapping, Options, Select, String

SIZES = [
    ("small", {"worker_cores": 1, "worker_memory": "2 G"}),
    ("large", {"worker_cores": 4, "worker_memory": "16 G"}),
]


async def handler(options, user):
    settings = dict(options.worker_size)  # the value of the chosen key, any Python object
    settings["environment"] = {**options["environment"], "PROJECT": options.project}
    settings["idle_timeout"] = options.idle_hours * 3600 if options.stop_when_idle else 0
    settings["cluster_max_workers"] = options.workers
    return settings


def options_for(user):
    return Options(
        Select("worker_size", SIZES, default="small", label="Size of a worker"),
        Integer("workers", default=2, min=1, max=100 if user.admin else 10, label="Workers at most"),
        Float("idle_hours", default=1, min=0.1, max=24, label="Hours without work"),
        Bool("stop_when_idle", default=True, label="Stop an idle cluster"),
        String("project_name", default=user.name, label="Project", target="project"),
        Mapping("environment", default={"OMP_NUM_THREADS": "1"}, label="Environment variables"),
        handler=handler,
    )


c.Backend.cluster_options = options_for
