# Makes copies of the old server's one recorded cluster; records.ts says of which names.
import asyncio
import json
import sys

from dask_gateway_server.backends.db_base import (
    DataManager,
    JobStatus,
    _normalize_encrypt_key,
    clusters,
)


async def main():
    wanted = json.load(sys.stdin)
    manager = DataManager(url=wanted["url"], encrypt_keys=[_normalize_encrypt_key(wanted["key"])])
    [model] = manager.name_to_cluster.values()
    rows = [
        {
            "name": each["name"],
            "username": each["username"],
            "status": JobStatus.RUNNING,
            "target": JobStatus.RUNNING,
            "count": 0,
            "options": model.options,
            "config": dict(model.config),
            "state": {},
            "token": manager.encode_token(each["token"]),
            "scheduler_address": wanted["addresses"]["scheduler"],
            "dashboard_address": wanted["addresses"]["dashboard"],
            "api_address": wanted["addresses"]["api"],
            "tls_credentials": manager.encode_tls_credentials(model.tls_cert, model.tls_key),
            "start_time": model.start_time,
        }
        for each in wanted["clusters"]
    ]
    with manager.db.begin() as connection:
        connection.execute(clusters.delete())
        connection.execute(clusters.insert(), rows)


# Its clusters are made of futures, which need a loop.
asyncio.run(main())
