#!/usr/bin/python3 -IS
# Stands in for a scheduler: its first act is the first heartbeat. Writes how long it had been running when it sent that, so
# that the time of Python can be taken off.
import json
import os
import socket
import time
from urllib.parse import urlsplit

token = os.environ["DASK_GATEWAY_API_TOKEN"]
if "/" in token:
    with open(token) as file:
        token = file.read()
name = os.environ["DASK_GATEWAY_CLUSTER_NAME"]
url = urlsplit(os.environ["DASK_GATEWAY_API_URL"])
listener = socket.create_server(("127.0.0.1", 0))
address = "127.0.0.1:%d" % listener.getsockname()[1]
body = json.dumps(
    {
        "scheduler_address": "tls://" + address,
        "dashboard_address": "http://" + address,
        "api_address": "http://" + address,
        "count": 0,
        "active_workers": [],
        "closing_workers": [],
        "closed_workers": [],
    }
).encode()
head = (
    "POST %s/v1/clusters/%s/heartbeat HTTP/1.1\r\nHost: %s\r\nAuthorization: token %s\r\n"
    "Content-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    % (url.path, name, url.netloc, token, len(body))
).encode()
# proc(5): starttime is the 22nd field, in ticks since boot.
with open("/proc/self/stat") as file:
    started = int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
sent = time.clock_gettime(time.CLOCK_BOOTTIME)
with open(os.environ["BENCH_MARKS"] + "/" + name, "w") as file:
    file.write(json.dumps({"python": sent - started, "sent": time.time()}))
with socket.create_connection((url.hostname, url.port)) as connection:
    connection.sendall(head + body)
    answer = connection.recv(4096)
if b" 200 " not in answer.split(b"\r\n")[0]:
    raise SystemExit(repr(answer))
listener.accept()
time.sleep(600)
