"""A scheduler and workers that speak the heartbeat protocol and nothing else: they start in a tenth of a second, so that
crashes can be tried at every step. Each notes in $MINI_DASK_NOTES when two of one name run at once, and how long it ran."""

import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request

notes = os.environ["MINI_DASK_NOTES"]


def run_once(name):
    """Takes the name, or notes that somebody living has it."""
    path = os.path.join(notes, name)
    try:
        with open(path) as file:
            os.kill(int(file.read()), 0)
        with open(os.path.join(notes, "twice"), "a") as file:
            file.write(name + "\n")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        pass
    with open(path, "w") as file:
        file.write(str(os.getpid()))

    def end(*_):
        with open(os.path.join(notes, "times"), "a") as file:
            file.write("%s %f\n" % (name.split("-")[0], seconds_of_life()))
        os.unlink(path)
        os._exit(0)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def seconds_of_life():
    with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
        started = int(stat.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return float(uptime.read().split()[0]) - started


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def worker():
    name = option("--name")
    run_once("worker-" + name)
    host, port = sys.argv[2].removeprefix("tls://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall((name + "\n").encode())
        connection.recv(1)  # the scheduler retires it, or is gone
    os.kill(os.getpid(), signal.SIGTERM)


class Scheduler:
    def __init__(self):
        self.count, self.active, self.closing, self.closed = 0, {}, [], []
        self.changed = threading.Event()

    def accept(self, listener):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":  # a client's TLS hello, through a tunnel
            connection.makefile("rb").read()  # a close before that would be a reset
            connection.sendall(os.environ["DASK_GATEWAY_CLUSTER_NAME"].encode())
            connection.close()
            return
        name = connection.makefile().readline().strip()
        self.active[name] = connection
        self.changed.set()
        try:
            connection.recv(1)
        except OSError:
            pass
        self.active.pop(name, None)
        self.closing = [each for each in self.closing if each != name]
        self.closed.append(name)
        self.changed.set()

    def scale(self, count):
        self.count = count
        self.closing += sorted(self.active)[count:]
        self.changed.set()

    def retire(self, names):
        for name in names:
            if name in self.active:
                self.active[name].shutdown(socket.SHUT_RDWR)

    def heartbeat(self, addresses):
        closing = list(self.closing)
        body = dict(
            addresses,
            count=self.count,
            active_workers=[name for name in self.active if name not in self.closing],
            closing_workers=closing,
            closed_workers=self.closed,
        )
        with open(os.environ["DASK_GATEWAY_API_TOKEN"]) as file:
            token = file.read()
        url = "{DASK_GATEWAY_API_URL}/v1/clusters/{DASK_GATEWAY_CLUSTER_NAME}/heartbeat".format(**os.environ)
        headers = {"Authorization": "token " + token, "Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        try:
            urllib.request.urlopen(request, timeout=5).close()
            self.retire(closing)
        except OSError:
            pass


def scheduler():
    run_once("scheduler-" + os.environ["DASK_GATEWAY_CLUSTER_NAME"])
    state = Scheduler()

    class Api(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.scale(body["count"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    listener = socket.create_server(("127.0.0.1", 0))
    api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=state.accept, args=(listener,), daemon=True).start()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    addresses = dict(
        scheduler_address="tls://127.0.0.1:%d" % listener.getsockname()[1],
        dashboard_address="",
        api_address="http://127.0.0.1:%d" % api.server_address[1],
    )
    while True:
        state.heartbeat(addresses)
        state.changed.wait(0.3)
        state.changed.clear()
        time.sleep(0.02)


{"scheduler": scheduler, "worker": worker}[sys.argv[1]]()
