"""What `dask-gateway-server doctor` runs in a job of the queue: `probe_job.py API_URL SECONDS PORT…`.

Listens by TLS, as a scheduler does, on the first of these ports that is free, asks the API, and tells whoever connects, and the
job's log, what it found. Its certificate and key lie beside it. Ends by itself. Needs nothing but Python's own library (3.6).
"""

import json
import os
import socket
import ssl
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

PACKAGES = ("dask", "distributed", "dask_gateway", "bokeh")
API_LIMIT_SECONDS = 8


def main(api_url, seconds, *ports):
    threading.Timer(float(seconds), os._exit, [0]).start()
    folder = os.path.dirname(os.path.abspath(__file__))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "probe.crt"), os.path.join(folder, "probe.pem"))
    listener = listen([int(port) for port in ports])
    report = {
        "host": socket.gethostname(),
        "port": listener.getsockname()[1],
        "address": own_address(api_url),
        "python": "%s (Python %d.%d.%d)" % ((sys.executable,) + tuple(sys.version_info[:3])),
        "packages": {name: version_of(name) for name in PACKAGES},
        "api": ask(api_url),
    }
    print("dask-gateway-probe: " + json.dumps(report), flush=True)
    text = json.dumps(report).encode() + b"\n"
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=(context, connection, text), daemon=True).start()


def listen(ports):
    # Any, when all of these are taken: the log says which.
    for port in ports + [0]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("0.0.0.0", port))
            listener.listen(64)
            return listener
        except OSError:
            listener.close()
    raise SystemExit("dask-gateway-probe: no port to listen on")


def answer(context, connection, text):
    connection.settimeout(10)
    try:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.sendall(text)
            secure.unwrap()
    except OSError:
        connection.close()


def own_address(api_url):
    """The address of this node on the way to the gateway; no packet is sent for it."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
            way.connect((urllib.parse.urlsplit(api_url).hostname, 9))
            return way.getsockname()[0]
    except (OSError, TypeError):
        return None


def ask(api_url):
    """As a scheduler would: not by a proxy of the environment, and certificates must be trusted."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(api_url + "/health", timeout=API_LIMIT_SECONDS) as response:
            return {"status": response.status, "text": read(response), "error": None}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "text": read(error), "error": None}
    except Exception as error:  # whatever it is, it is what the administrator has to know
        reason = getattr(error, "reason", None) or error
        return {"status": None, "text": "", "error": str(reason)[:300]}


def read(response):
    try:
        return response.read(300).decode("utf-8", "replace")
    except OSError:
        return ""


def version_of(name):
    """Without an import, which takes seconds."""
    try:
        from importlib.metadata import version

        return version(name.replace("_", "-"))
    except ImportError:  # before Python 3.8; its PackageNotFoundError is one, too
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
