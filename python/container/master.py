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
from manager import Manager, NoAnswer, Over, Refused
from nodes import Nodes, NotDone
from wire import message

SUCCEEDED, FAILED = 1, 2
PERIOD, BUSY_PERIOD = 1.0, 0.2
MOST_TOLD = 200
LONGEST_WORDS = 4000
# ContainerExitStatus of YARN: what a container has that we have asked the end of.
OUR_DOING = (-100, -105)


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
        token = next(each for each in tokens.values() if each["kind"] == b"YARN_AM_RM_TOKEN")
        self.manager = Manager(given["managers"], given["protections"], token)
        # For the NodeManagers, to fetch files with.
        self.others = {alias: each for alias, each in tokens.items() if each["kind"] != b"YARN_AM_RM_TOKEN"}
        self.lock = threading.RLock()
        self.wake = threading.Event()
        self.pool = ThreadPoolExecutor(8)
        self.workers = {}
        self.containers = {}
        self.nodes = Nodes(given["protections"])
        self.release = []
        # What the ResourceManager still owes us, as far as it knows.
        self.owed = 0
        self.in_doubt = False
        self.home = Home(given["home"], self.states, self.want, self.renew, os.path.realpath("/proc/self/fd/2"))

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

    def renew(self, blob):
        """Tokens in place of those for the NodeManagers, which end some day."""
        tokens, _ = credentials.decode(blob)
        with self.lock:
            self.others = tokens

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
            if not self.manager.registered:
                answer = self.manager.register()
                # One that has restarted kept our containers, but not what it owed us.
                self.owed = 0
                self.nodes.learn(answer.all(6))
            self.allocate()
        except Refused as error:
            with self.lock:
                for worker in [each for each in self.workers.values() if each.state == "asked"]:
                    self.end(worker, {"why": "refused", "words": clipped(str(error))})
        except NoAnswer:
            pass
        with self.lock:
            return any(each.state in ("asked", "starting", "stopping") for each in self.workers.values())

    def allocate(self):
        with self.lock:
            wanted = sum(each.state == "asked" for each in self.workers.values())
            release, self.release = self.release, []
            ask = None if wanted == self.owed else self.ask(wanted)
        try:
            answer = self.manager.allocate(ask, release)
        except BaseException:
            with self.lock:
                self.release = release + self.release
            # If it was heard, the next one is taken for its repetition, and what that asks for is passed over.
            self.in_doubt = True
            raise
        with self.lock:
            self.owed = wanted
            self.nodes.learn(answer.all(9))
            for container in answer.all(3):
                self.owed -= 1
                self.give(container)
            if self.in_doubt:
                self.owed, self.in_doubt = -1, False
            for status in answer.all(4):
                self.ended(status)

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
        code = status.number(4)
        if worker.state == "stopping" and code in OUR_DOING:
            self.end(worker, {"why": "stopped", "exit": code})
        else:
            self.end(worker, {"why": "ended", "exit": code, "words": clipped(status.text(3))})

    # The NodeManagers.

    def start(self, worker):
        with self.lock:
            # Forgotten when it has ended meanwhile.
            given = {**self.given["worker"]["command"], "args": worker.args or []}
            secrets = {b"dask-gateway": json.dumps(given).encode()}
            tokens = credentials.encode(self.others, secrets)
        launch = base64.b64decode(self.given["worker"]["launch"]) + message((2, tokens))
        try:
            self.nodes.start(worker.container, launch)
        except NotDone as error:
            with self.lock:
                self.release.append(worker.container.bytes(1))
                if worker.state != "ended":
                    words = f"its container could not be started: {error}"
                    self.end(worker, {"why": "not started", "words": clipped(words)})
            self.wake.set()
            return
        with self.lock:
            if worker.state == "starting":
                worker.state = "running"
                worker.fact = {**worker.fact, "since": int(time.time() * 1000)}
        self.news()

    def stop(self, worker):
        try:
            self.nodes.stop(worker.container)
        except NotDone as error:
            # The ResourceManager has it stopped then.
            with self.lock:
                self.release.append(worker.container.bytes(1))
                worker.fact = {**worker.fact, "words": clipped(str(error))}
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
        while time.monotonic() < deadline:
            try:
                if not self.manager.registered:
                    self.beat()
                if self.manager.finish(words, FAILED if status else SUCCEEDED):
                    return 0
            except (NoAnswer, Refused):
                pass
            time.sleep(0.1)
        print(f"dask-gateway: {words}", file=sys.stderr, flush=True)
        return 1


def clipped(words):
    """YARN says why at the beginning, and what the container said last at the end."""
    return words if len(words) <= LONGEST_WORDS else f"{words[:1000]} … {words[1000 - LONGEST_WORDS :]}"
