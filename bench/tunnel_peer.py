"""Both ends of a tunnel: a TLS hello with the name of a cluster, then plain bytes (a proxy cannot tell).

tunnel_peer.py target                       prints its port, serves until its standard input ends
tunnel_peer.py hello NAME                   prints the first bytes of a tunnel, in hexadecimal digits
tunnel_peer.py MODE PORT NAME COUNT         prints one line of JSON; PORT is a proxy's (or the target's own)
   echo    COUNT round trips of 64 bytes    {"p50": microseconds, "p99": microseconds}
   connect COUNT connections, each with one round trip    {"seconds": …}
   idle    COUNT connections, held until standard input ends    {}
   down    COUNT bytes from the target      {"seconds": …}
   up      COUNT bytes to the target        {"seconds": …}
"""
import json
import socket
import ssl
import struct
import sys
import threading
import time

CHUNK = 1 << 20


def hello(name):
    sent = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="daskgateway-" + name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def exactly(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def take(connection, length):
    buffer = bytearray(CHUNK)
    while length > 0:
        taken = connection.recv_into(buffer)
        if taken == 0:
            raise EOFError("the tunnel ended, %d bytes are missing" % length)
        length -= taken


def serve(connection):
    with connection:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            exactly(connection, struct.unpack(">xxxH", exactly(connection, 5))[0])
            mode = exactly(connection, 1)
            if mode == b"e":
                while data := connection.recv(4096):
                    connection.sendall(data)
            elif mode == b"d":
                left = struct.unpack(">Q", exactly(connection, 8))[0]
                chunk = bytes(CHUNK)
                while left > 0:
                    connection.sendall(chunk[:left])
                    left -= len(chunk)
            elif mode == b"u":
                take(connection, struct.unpack(">Q", exactly(connection, 8))[0])
                connection.sendall(b".")
        except (EOFError, OSError):
            pass


def target():
    threading.stack_size(256 * 1024)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def tunnel(port, greeting, first):
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(greeting + first)
    return connection


def echo(port, greeting, count):
    connection = tunnel(port, greeting, b"e")
    message = bytes(64)
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        connection.sendall(message)
        exactly(connection, 64)
        times.append(1e6 * (time.perf_counter() - begun))
    times.sort()
    return {"p50": times[count // 2], "p99": times[count * 99 // 100]}


def connect(port, greeting, count):
    begun = time.perf_counter()
    for _ in range(count):
        with tunnel(port, greeting, b"e.") as connection:
            exactly(connection, 1)
    return {"seconds": time.perf_counter() - begun}


def idle(port, greeting, count):
    held = [tunnel(port, greeting, b"e.") for _ in range(count)]
    for connection in held:
        exactly(connection, 1)
    print("{}", flush=True)
    sys.stdin.read()


def down(port, greeting, count):
    connection = tunnel(port, greeting, b"d" + struct.pack(">Q", count))
    begun = time.perf_counter()
    take(connection, count)
    return {"seconds": time.perf_counter() - begun}


def up(port, greeting, count):
    connection = tunnel(port, greeting, b"u" + struct.pack(">Q", count))
    chunk = bytes(CHUNK)
    begun = time.perf_counter()
    left = count
    while left > 0:
        connection.sendall(chunk[:left])
        left -= len(chunk)
    exactly(connection, 1)
    return {"seconds": time.perf_counter() - begun}


if sys.argv[1] == "target":
    target()
elif sys.argv[1] == "hello":
    print(hello(sys.argv[2]).hex())
else:
    mode, port, name, count = sys.argv[1:]
    result = globals()[mode](int(port), hello(name), int(count))
    if result is not None:
        print(json.dumps(result))
