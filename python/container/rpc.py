"""Calls to the daemons of Hadoop, logged in by a token of YARN, with nothing but Python's own library.

The grammar of messages is in src/hadoop/messages/rpc.ts.
"""

import hmac
import os
import socket
import struct

from digest import Digest, directives
from wire import Fields, delimited, message, read_varint

SASL, CONTEXT = -33, -3
SUCCESS, NEGOTIATE, INITIATE, WRAP = 0, 1, 2, 5
LARGEST_FRAME = 64 << 20
LARGEST_WRAPPED = 60000


class RemoteError(Exception):
    """What the server refuses; `name` is its Java exception."""

    def __init__(self, name, message):
        super().__init__(message.split("\n", 1)[0][:2000])
        self.name = name


class Connection:
    """To one server, with one call at a time. Raises RemoteError, or OSError or ValueError after which it is of no more use."""

    def __init__(self, address, protocol, token, protections, timeout=20):
        self.protocol = protocol
        self.client = os.urandom(16)
        self.calls = 0
        self.layer = None
        self.inner = bytearray()
        self.socket = socket.create_connection(address, timeout)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall(b"hrpc\x09\x00\xdf")
            self.login(token, protections)
            self.send(self.header(CONTEXT), message((3, protocol)))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def call(self, method, request):
        self.calls += 1
        self.send(
            self.header(self.calls),
            message((1, method), (2, self.protocol), (3, 1)),
            request,
        )
        while True:
            call, answer = self.receive()
            if call == self.calls:
                return Fields(answer)

    def login(self, token, protections):
        _, offer = self.ask(message((1, 0), (2, NEGOTIATE)))
        auth = next((a for a in offer.all(4) if a.text(1) == "TOKEN" and a.text(2) == "DIGEST-MD5"), None)
        if auth is None:
            raise OSError("the server takes no tokens")
        uri = f"{auth.text(3)}/{auth.text(4)}"
        digest = Digest(auth.text(5), uri, token, protections)
        chosen = message((1, "TOKEN"), (2, "DIGEST-MD5"), (3, auth.text(3)), (4, auth.text(4)))
        state, last = self.ask(message((1, 0), (2, INITIATE), (3, digest.response), (4, chosen)))
        if state != SUCCESS or not hmac.compare_digest(directives(last.text(3)).get("rspauth", ""), digest.expected):
            raise OSError("the server does not know the token's password")
        self.layer = digest.layer

    def ask(self, sasl):
        self.send(self.header(SASL), sasl)
        call, answer = self.receive()
        fields = Fields(answer)
        if call != SASL:
            raise OSError("the server does not answer the login")
        return fields.number(2), fields

    def header(self, call):
        return message(
            (1, 2), (2, 0), (3, (call << 1) ^ (call >> 31)), (4, self.client), (5, 0 if call >= 0 else 1)
        )

    def send(self, *parts):
        payload = delimited(*parts)
        frame = struct.pack(">I", len(payload)) + payload
        if self.layer is None:
            return self.socket.sendall(frame)
        for at in range(0, len(frame), LARGEST_WRAPPED):
            token = self.layer.wrap(frame[at : at + LARGEST_WRAPPED])
            wrapped = delimited(self.header(SASL), message((1, 0), (2, WRAP), (3, token)))
            self.socket.sendall(struct.pack(">I", len(wrapped)) + wrapped)

    def receive(self):
        """The id of a call, and the bytes of its answer."""
        if self.layer is None:
            return self.opened(self.frame())
        while len(self.inner) < 4 or len(self.inner) < 4 + struct.unpack(">I", self.inner[:4])[0]:
            call, answer = self.opened(self.frame())
            fields = Fields(answer)
            # Else somebody between could answer in the server's name.
            if call != SASL or fields.number(2) != WRAP:
                raise OSError("the server answers without the protection that was agreed on")
            self.inner += self.layer.unwrap(fields.bytes(3))
            if len(self.inner) > LARGEST_FRAME:
                raise OSError("the server sends too much")
        end = 4 + struct.unpack(">I", self.inner[:4])[0]
        payload = bytes(self.inner[4:end])
        del self.inner[:end]
        return self.opened(payload)

    def opened(self, payload):
        length, at = read_varint(payload, 0)
        header = Fields(payload[at : at + length])
        if header.number(2) != SUCCESS:
            raise RemoteError(header.text(4), header.text(5))
        call = header.number(1) & 0xFFFFFFFF
        call -= 1 << 32 if call >> 31 else 0
        length, at = read_varint(payload, at + length)
        return call, payload[at : at + length]

    def frame(self):
        (length,) = struct.unpack(">I", self.exactly(4))
        if length > LARGEST_FRAME:
            raise OSError("the server sends too much")
        return self.exactly(length)

    def exactly(self, count):
        out = bytearray()
        while len(out) < count:
            piece = self.socket.recv(min(1 << 16, count - len(out)))
            if not piece:
                raise OSError("the server closed the connection")
            out += piece
        return bytes(out)
