"""The application master's calls to the gateway: what is goes up, what is wanted comes down.

A message may come twice, or not at all, and the gateway may be away for days: each says everything that the gateway may not know.
"""

import base64
import json
import os
import random
import ssl
import threading
import time
import urllib.error
import urllib.request

POLL_SECONDS = 25
LOG_PIECE = 256 << 10
LOG_PERIOD = 5
LARGEST_ANSWER = 16 << 20


class Home:
    def __init__(self, given, states, take, renew, log):
        """`states(epoch)` gives workers to tell of, `take` gets the wanted ones, `renew` new tokens; `log` is the path of the container's log."""
        self.url = given["url"]
        self.token = given["token"]
        self.states = states
        self.take = take
        self.renew = renew
        self.log = log
        self.lock = threading.Lock()
        self.news = threading.Event()
        self.epoch = None
        self.version = None
        self.log_at = 0
        handlers = [urllib.request.ProxyHandler({})]
        if self.url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context()))
        self.opener = urllib.request.build_opener(*handlers)

    def start(self):
        for work in (self.poll, self.tell):
            threading.Thread(target=work, daemon=True).start()

    def poll(self):
        """Learns at once what is wanted."""
        pause = 1
        while True:
            began = time.monotonic()
            if self.exchange(POLL_SECONDS):
                # An answer that is always there at once would be asked for without end.
                pause = 1
                time.sleep(max(0, 0.05 - (time.monotonic() - began)))
            else:
                time.sleep(pause * random.uniform(0.5, 1))
                pause = min(15, pause * 2)

    def tell(self):
        """Tells at once what has changed; of the log now and then."""
        pause = 0.05
        while True:
            has_news = self.news.wait(LOG_PERIOD)
            if not has_news and self.log_size() <= self.log_at:
                continue
            self.news.clear()
            time.sleep(pause)
            if self.exchange(0):
                pause = 0.05
            else:
                self.news.set()
                pause = min(15, pause * 2)

    def exchange(self, wait, limit=15):
        """One message and its answer; false: there was none."""
        with self.lock:
            epoch, version, log_at = self.epoch, self.version, self.log_at
        told, workers = self.states(epoch)
        piece = self.log_piece(log_at)
        body = {
            "epoch": epoch,
            "version": version,
            "wait": wait,
            "workers": workers,
            "log": {"from": log_at, "base64": base64.b64encode(piece).decode()},
        }
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers, method="POST")
        try:
            with self.opener.open(request, timeout=wait + limit) as reply:
                answer = json.loads(reply.read(LARGEST_ANSWER))
            with self.lock:
                if answer["epoch"] != self.epoch:
                    # Another gateway, or the first: it knows nothing of what was told before.
                    self.epoch = answer["epoch"]
                    self.version = None
                    self.log_at = max(0, self.log_size() - LOG_PIECE)
                    self.news.set()
                elif epoch == self.epoch:
                    # Of a message to another epoch nothing was taken.
                    self.log_at = max(self.log_at, log_at + len(piece))
                    if len(piece) == LOG_PIECE:
                        self.news.set()
                wanted = answer.get("workers")
                # Of two answers the older one may come later.
                if wanted is not None and (self.version is None or answer["version"] > self.version):
                    if answer.get("tokens") is not None:
                        self.renew(base64.b64decode(answer["tokens"]))
                    self.take(wanted)
                    self.version = answer["version"]
            if answer["epoch"] == epoch:
                told()
            return True
        except (OSError, ValueError, KeyError, TypeError, urllib.error.HTTPError):
            return False

    def log_size(self):
        try:
            return os.stat(self.log).st_size
        except OSError:
            return 0

    def log_piece(self, start):
        try:
            with open(self.log, "rb") as file:
                file.seek(start)
                return file.read(LOG_PIECE)
        except OSError:
            return b""
