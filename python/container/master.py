"""The application master of one cluster: starts its scheduler as a child, and its workers in containers of YARN.

The ResourceManager is heard by heartbeats, which go on while the gateway is away. When the scheduler ends, so does the application.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import credentials
import dask_command
from home import Home
from rpc import Connection, RemoteError, message

MASTER_PROTOCOL = "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB"
CONTAINER_PROTOCOL = "org.apache.hadoop.yarn.api.ContainerManagementProtocolPB"
RESYNC, SHUTDOWN = 1, 2
SUCCEEDED, FAILED = 1, 2
PERIOD, BUSY_PERIOD = 1.0, 0.2
# A ResourceManager that comes back may not know our token for a moment.
UNKNOWN_LIMIT = 60
MOST_TOLD = 200
LONGEST_WORDS = 3000


class Over(Exception):
    """YARN says that the application has ended."""


def run(given, tokens):
    argv, environment = dask_command.prepare(given["scheduler"])
    child = subprocess.Popen(argv, env=environment)
    try:
        return Master(given, tokens, child).run()
    except Over as over:
        print(f"dask-gateway: the application has ended: {over}", file=sys.stderr, flush=True)
        return 1
    finally:
        if child.poll() is None:
            child.terminate()


class Worker:
    def __init__(self, attempt, args):
        self.attempt = attempt
        self.args = args
        # asked, starting, running, stopping, ended
        self.state = "asked"
        self.container = None
        self.fact = {}
        self.told_to = None

    def shown(self):
        return {"state": self.state, **self.fact}


class Master:
    def __init__(self, given, tokens, child):
        self.given = given
        self.child = child
        self.token = next(each for each in tokens.values() if each["kind"] == b"YARN_AM_RM_TOKEN")
        # For the NodeManagers, to fetch files with.
        self.others = {alias: each for alias, each in tokens.items() if each["kind"] != b"YARN_AM_RM_TOKEN"}
        self.lock = threading.RLock()
        self.wake = threading.Event()
        self.pool = ThreadPoolExecutor(8)
        self.workers = {}
        self.containers = {}
        self.node_tokens = {}
        self.release = []
        self.manager = None
        self.server = 0
        self.registered = False
        self.response = 0
        # What the ResourceManager still owes us, as far as it knows.
        self.owed = 0
        self.in_doubt = False
        self.unknown_since = None
        self.home = Home(given["home"], self.states, self.want, os.path.realpath("/proc/self/fd/2"))

    def run(self):
        threading.Thread(target=self.wait_for_child, daemon=True).start()
        self.home.start()
        while self.child.poll() is None:
            busy = self.beat()
            self.wake.wait(BUSY_PERIOD if busy else PERIOD)
            self.wake.clear()
        return self.finish(self.child.returncode)

    def wait_for_child(self):
        self.child.wait()
        self.wake.set()

    # What the gateway wants, and is told.

    def want(self, wanted):
        """The workers that there should be, all of them, by attempt: no attempt runs twice."""
        with self.lock:
            for attempt, each in wanted.items():
                if attempt not in self.workers:
                    self.workers[attempt] = Worker(attempt, each["args"])
            for worker in self.workers.values():
                if worker.attempt in wanted or worker.state in ("stopping", "ended"):
                    continue
                if worker.container is None:
                    self.end(worker, {"why": "cancelled"})
                else:
                    worker.state = "stopping"
                    self.pool.submit(self.stop, worker)
        self.wake.set()

    def states(self, epoch):
        """What to tell of workers: those that live, and of those that have ended the ones of which the gateway of this epoch was not told."""
        with self.lock:
            ended = [each for each in self.workers.values() if each.state == "ended" and each.told_to != epoch]
            told = ended[:MOST_TOLD]
            live = [each for each in self.workers.values() if each.state != "ended"]
            shown = {each.attempt: each.shown() for each in told + live}

        def was_told():
            for each in told:
                each.told_to = epoch
            if len(ended) > len(told):
                self.news()

        return was_told, shown

    def end(self, worker, fact):
        worker.state = "ended"
        worker.args = None
        worker.fact = {**worker.fact, **fact}
        self.news()

    def news(self):
        self.home.news.set()

    # The ResourceManager.

    def beat(self):
        """One heartbeat; whether another is due soon."""
        try:
            if self.manager is None:
                address = self.given["managers"][self.server % len(self.given["managers"])]
                self.manager = Connection(tuple(address), MASTER_PROTOCOL, self.token, self.given["protections"])
            if not self.registered:
                self.register()
            self.allocate()
            self.unknown_since = None
        except RemoteError as error:
            self.refused(error)
        except (OSError, ValueError):
            self.leave()
        with self.lock:
            return any(each.state in ("asked", "starting", "stopping") for each in self.workers.values())

    def refused(self, error):
        name = error.name.rsplit(".", 1)[-1]
        if name == "ApplicationMasterNotRegisteredException":
            self.registered = False
        elif name == "InvalidApplicationMasterRequestException" and "already registered" in str(error):
            self.registered = True
        elif name in ("StandbyException", "RetriableException", "ServerTooBusyException"):
            self.leave()
        elif name == "ApplicationAttemptNotFoundException":
            raise Over(str(error))
        elif name.startswith("Invalid") and "ResourceRequest" in name:
            with self.lock:
                for worker in [each for each in self.workers.values() if each.state == "asked"]:
                    self.end(worker, {"why": "refused", "words": str(error)})
        else:
            self.leave()
            self.unknown_since = self.unknown_since or time.monotonic()
            if time.monotonic() - self.unknown_since > UNKNOWN_LIMIT and "InvalidToken" in name:
                raise Over(str(error))

    def leave(self):
        if self.manager is not None:
            self.manager.close()
        self.manager = None
        self.server += 1

    def register(self):
        self.response = 0
        answer = self.manager.call("registerApplicationMaster", message((1, ""), (2, -1), (3, "")))
        self.registered = True
        # One that has restarted kept our containers, but not what it owed us.
        self.owed = 0
        self.learn_tokens(answer.all(6))

    def allocate(self):
        with self.lock:
            wanted = sum(each.state == "asked" for each in self.workers.values())
            release, self.release = self.release, []
            ask = None if wanted == self.owed else self.ask(wanted)
        try:
            answer = self.manager.call(
                "allocate",
                message((1, ask), *[(2, each) for each in release], (4, self.response)),
            )
        except BaseException:
            with self.lock:
                self.release = release + self.release
            # If it was heard, the next one is taken for its repetition, and what that asks for is passed over.
            self.in_doubt = True
            raise
        with self.lock:
            self.owed = wanted
            self.response = answer.number(2)
            self.learn_tokens(answer.all(9))
            if 12 in answer.values:
                self.token = token_of(answer.one(12))
            for container in answer.all(3):
                self.owed -= 1
                self.give(container)
            if self.in_doubt:
                self.owed, self.in_doubt = -1, False
            for status in answer.all(4):
                self.ended(status)
        if answer.number(1) == SHUTDOWN:
            raise Over("the ResourceManager says so")
        if answer.number(1) == RESYNC:
            self.registered = False

    def ask(self, count):
        worker = self.given["worker"]
        return message(
            (1, message((1, 1))),
            (2, "*"),
            (3, base64.b64decode(worker["capability"])),
            (4, count),
            (5, 1),
            (6, worker["label"]),
        )

    def learn_tokens(self, tokens):
        for each in tokens:
            node = each.one(1)
            self.node_tokens[node.text(1), node.number(2)] = token_of(each.one(2))

    def give(self, container):
        """To a worker that waits; else it goes back."""
        worker = next((each for each in self.workers.values() if each.state == "asked"), None)
        if worker is None:
            self.release.append(container.bytes(1))
            return
        worker.state = "starting"
        worker.container = container
        node = container.one(2)
        worker.fact = {"host": node.text(1), "container": container.one(1).number(3)}
        self.containers[container.one(1).number(3)] = worker
        self.pool.submit(self.start, worker)
        self.news()

    def ended(self, status):
        worker = self.containers.pop(status.one(1).number(3), None)
        if worker is None or worker.state == "ended":
            return
        why = "stopped" if worker.state == "stopping" else "ended"
        self.end(worker, {"why": why, "exit": status.number(4), "words": status.text(3)[-LONGEST_WORDS:]})

    # The NodeManagers.

    def at_node(self, worker):
        node = worker.container.one(2)
        address = (node.text(1), node.number(2))
        with self.lock:
            token = self.node_tokens[address]
        return Connection(address, CONTAINER_PROTOCOL, token, self.given["protections"])

    def start(self, worker):
        secrets = {b"dask-gateway": self.secret_of(worker)}
        launch = base64.b64decode(self.given["worker"]["launch"]) + message((2, credentials.encode(self.others, secrets)))
        request = message((1, message((1, launch), (2, worker.container.bytes(6)))))
        try:
            with self.at_node(worker) as node:
                failed = node.call("startContainers", request).all(3)
            if failed:
                raise OSError(failed[0].one(2).text(1)[:LONGEST_WORDS])
        except (RemoteError, OSError, ValueError, KeyError) as error:
            self.give_up(worker, f"its container could not be started: {error}")
            return
        with self.lock:
            if worker.state == "starting":
                worker.state = "running"
                worker.fact = {**worker.fact, "since": int(time.time() * 1000)}
        self.news()

    def secret_of(self, worker):
        given = self.given["worker"]
        with self.lock:
            args = worker.args or []
        return json.dumps({**given["command"], "args": args}).encode()

    def stop(self, worker):
        try:
            with self.at_node(worker) as node:
                node.call("stopContainers", message((1, worker.container.bytes(1))))
        except (RemoteError, OSError, ValueError, KeyError):
            # The ResourceManager has it stopped then.
            with self.lock:
                self.release.append(worker.container.bytes(1))
            self.wake.set()

    def give_up(self, worker, words):
        with self.lock:
            self.release.append(worker.container.bytes(1))
            if worker.state != "ended":
                self.end(worker, {"why": "not started", "words": words})
        self.wake.set()

    # The end.

    def finish(self, status):
        dask_command.forget()
        words = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
        words = f"The scheduler {words}"
        # What it said last is why it ended; a gateway that is away for longer does not get it.
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.home.log_at < self.home.log_size():
            if not self.home.exchange(0, limit=5):
                time.sleep(0.2)
        deadline = time.monotonic() + 60
        request = message((1, words), (2, ""), (3, FAILED if status else SUCCEEDED))
        while time.monotonic() < deadline:
            try:
                if self.manager is None or not self.registered:
                    self.beat()
                if self.manager is not None and self.manager.call("finishApplicationMaster", request).number(1):
                    return 0
            except RemoteError as error:
                self.refused(error)
            except (OSError, ValueError):
                self.leave()
            time.sleep(0.1)
        print(f"dask-gateway: {words}", file=sys.stderr, flush=True)
        return 1


def token_of(fields):
    names = ("identifier", "password", "kind", "service")
    return {name: fields.bytes(number) for number, name in enumerate(names, 1)}
