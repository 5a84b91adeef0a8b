"""What the programs of client-features.test.ts share; it stands before each of them."""

import asyncio, gc, os, sys, time, warnings
import aiohttp
from dask_gateway import BasicAuth, Gateway, GatewayCluster
from dask_gateway.client import ClusterStatus, GatewayClusterError, GatewayServerError, GatewayWarning

ADDRESS = os.environ["ADDRESS"]
PASSWORD = "a password of the tests"

# A synchronous gateway of the client that is collected in the thread of its own loop waits for itself for ever.
gc.disable()


def gateway_of(name, password=PASSWORD, **more):
    return Gateway(ADDRESS, auth=BasicAuth(name, password), **more)


def failure(kind, act, *args, **kwargs):
    """The text of the exception that a call raises."""
    try:
        act(*args, **kwargs)
    except kind as error:
        text = str(error)
    else:
        text = None
    gc.collect()
    if text is not None:
        return text
    raise AssertionError(f"no {kind.__name__}")


def warning(act, *args, **kwargs):
    """The one warning of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act(*args, **kwargs)
    texts = [str(each.message) for each in caught if each.category is GatewayWarning]
    assert len(texts) == 1, texts
    return texts[0]


def equal(got, wanted):
    assert got == wanted, f"\ngot    {got!r}\nwanted {wanted!r}"


def until(what, condition, limit=60):
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {limit} s for {what}"
        time.sleep(0.05)


def ask(gateway, path):
    """A route of the gateway that the client has no method for."""

    async def get():
        response = await gateway._request("GET", f"{gateway.address}/api/v1/clusters/{path}")
        return await (response.json() if "json" in response.content_type else response.text())

    return gateway.sync(get)


def events(gateway, name, kind=None):
    found = ask(gateway, f"{name}/events")["events"]
    return [each for each in found if kind in (None, each["kind"])]


def ended(gateway, name, status="STOPPED", limit=60):
    until(f"{status} of {name}", lambda: gateway.get_cluster(name).status.name == status, limit)
    return events(gateway, name)[-1]["message"]
