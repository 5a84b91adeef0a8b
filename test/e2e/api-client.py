"""The unmodified client against the API alone: prints one line of JSON that says what it saw of each call."""

import asyncio
import json
import sys

import aiohttp
from dask_gateway import BasicAuth, Gateway, GatewayClusterError, GatewayServerError


async def outcome(what):
    try:
        return await what
    except (GatewayClusterError, GatewayServerError, ValueError) as error:
        return [type(error).__name__, str(error)]
    except aiohttp.ClientResponseError as error:
        return [type(error).__name__, error.status, error.message]


async def main(address):
    seen = {}
    async with Gateway(address, auth=BasicAuth("alice", "secret"), asynchronous=True) as gateway:
        seen["versions"] = (await gateway.get_versions())["server"]
        seen["options"] = dict(await gateway.cluster_options())
        seen["before"] = [each.name for each in await gateway.list_clusters()]
        name = await gateway.submit(cores=2)
        seen["submitted"] = name
        seen["listed"] = [[each.name, each.status.name] for each in await gateway.list_clusters()]
        seen["scale while pending"] = await outcome(gateway.scale_cluster(name, 1))
        seen["unknown"] = await outcome(gateway.scale_cluster("nothing", 1))
        seen["negative"] = await outcome(gateway.scale_cluster(name, -1))
        seen["fails inside"] = await outcome(gateway.submit(crash=True))
        async with Gateway(address, auth=BasicAuth("josé", "secret"), asynchronous=True) as other:
            seen["foreign"] = await outcome(other.scale_cluster(name, 1))
        await gateway.stop_cluster(name)
        stopped = await gateway.list_clusters(status=["STOPPED"])
        seen["stopped"] = [[each.name, each.status.name] for each in stopped]
        seen["report"] = stopped[0].options
    async with Gateway(address, auth=BasicAuth("alice", "wrong"), asynchronous=True) as gateway:
        seen["wrong password"] = await outcome(gateway.list_clusters())
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
