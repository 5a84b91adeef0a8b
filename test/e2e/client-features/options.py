from concurrent.futures import ThreadPoolExecutor
import dask.config

alice = gateway_of("alice")
options = alice.cluster_options()
equal(
    dict(options),
    dict(greeting="hello", fast=False, cores=1, memory_gib=0.5, size="small", variables={"FIRST": "1"}),
)
equal(
    [(each.field, each.label, type(each).__name__) for each in options._fields.values()],
    [
        ("greeting", "A greeting", "String"),
        ("fast", "fast", "Bool"),
        ("cores", "cores", "Integer"),
        ("memory_gib", "GiB of a worker", "Float"),
        ("size", "size", "Select"),
        ("variables", "variables", "Mapping"),
    ],
)
for error, field, value, text in [
    (TypeError, "greeting", 3, "greeting must be a string, got 3"),
    (TypeError, "fast", "yes", "fast must be a bool, got 'yes'"),
    (ValueError, "cores", 9, "cores must be <= 4.000000, got 9"),
    (ValueError, "memory_gib", 0.1, "memory_gib must be >= 0.250000, got 0.1"),
    (ValueError, "size", "huge", "'huge' is not a valid option for size"),
    (TypeError, "variables", [], "variables must be a dict, got 'list'"),
    (AttributeError, "colour", "red", "No option 'colour' available"),
]:
    equal(failure(error, setattr, options, field, value), text)
for wrong, text in [
    (dict(zebra=1, ant=2), "Unknown fields ['ant', 'zebra']"),
    (dict(greeting=3), "greeting must be a string, got 3"),
    (dict(greeting=None), "greeting must be a string, got None"),
    (dict(fast="yes"), "fast must be a bool, got 'yes'"),
    (dict(cores=1.5), "cores must be an integer, got 1.5"),
    (dict(cores=9), "cores must be <= 4.000000, got 9"),
    (dict(memory_gib=0), "memory_gib must be >= 0.250000, got 0.0"),
    (dict(memory_gib="much"), "memory_gib must be a float, got 'much'"),
    (dict(size="huge"), "'huge' is not a valid option for size"),
    (dict(variables=[]), "variables must be a mapping, got []"),
]:
    equal(failure(ValueError, alice.new_cluster, **wrong), text)
equal(failure(TypeError, alice.submit, {"cores": 2}), "cluster_options must be an `Options`, got 'dict'")
equal(alice.list_clusters(), [])

# The settings of the handler arrive; keywords win over options, and both over what the user's own configuration says.
with dask.config.set({"gateway.cluster.options": {"greeting": "{ADDRESS}", "size": "large"}}):
    equal(alice.cluster_options().greeting, ADDRESS)
    equal(alice.cluster_options(use_local_defaults=False).greeting, "hello")
    options = alice.cluster_options()
options.cores = 2
options.greeting = "hi"
options.variables = {"SECOND": "zwei"}
with alice.new_cluster(options, memory_gib=1) as cluster:
    wanted = dict(greeting="hi", fast=False, cores=2, memory_gib=1, size="large", variables={"SECOND": "zwei"})
    equal(alice.get_cluster(cluster.name).options, wanted)
    cluster.scale(1)
    with cluster.get_client() as client:
        client.wait_for_workers(1, timeout=60)
        (worker,) = client.scheduler_info()["workers"].values()
        equal((worker["nthreads"], worker["memory_limit"]), (2, 1 << 30))

        def look():
            import os

            return [os.environ.get(each) for each in ("CHOICE", "OWNER", "FIRST", "SECOND")]

        equal(client.submit(look).result(timeout=60), ["hi False 2", "alice", None, "zwei"])
print("settings arrive")

# Whatever a handler does hurts its own request only.
bob = gateway_of("bob")
with ThreadPoolExecutor() as pool:
    hanging = [pool.submit(failure, GatewayServerError, bob.submit, do="hang") for _ in range(2)]
    leaving = [pool.submit(failure, GatewayServerError, bob.submit, do="exit") for _ in range(2)]
    begun = time.monotonic()
    equal(len(alice.list_clusters()), 0)
    assert time.monotonic() - begun < 1, "others wait for a handler that hangs"
    equal(failure(ValueError, bob.submit, do="raise"), "There is no more room\nin the inn")
    for each in hanging:
        assert "did not answer" in each.result(), each.result()
    for each in leaving:
        assert "ended its process" in each.result(), each.result()
assert "sys.exit" in failure(GatewayServerError, bob.submit, do="sys.exit")
name = bob.submit(do="print")
ended(bob, name, "FAILED")
equal(ask(bob, f"{name}/logs"), "printed\n")

dave = gateway_of("dave")
name = dave.submit(word="a word")
ended(dave, name, "FAILED")
equal(ask(dave, f"{name}/logs"), "a word of dave\n")
equal(failure(ValueError, gateway_of("erin").cluster_options), "erin may not: [] False")

carol = gateway_of("carol")
equal(dict(carol.cluster_options()), {"settings": {}})
with carol.new_cluster(settings={"worker_coers": 2, "worker_memory": "1 G"}) as cluster:
    (event,) = events(carol, cluster.name, "warning")
    assert '"worker_coers"' in event["message"] and '"worker_cores"' in event["message"], event
text = failure(ValueError, carol.submit, settings={"worker_cores": "many"})
assert "worker_cores" in text and "many" in text, text
print("handlers")
