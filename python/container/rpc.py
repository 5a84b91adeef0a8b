"""Hadoop RPC, version 9, by a token: what an application master needs of it, with nothing but Python's own library.

The grammar of messages is in src/hadoop/messages/rpc.ts, that of the login (DIGEST-MD5, RFC 2831) in src/hadoop/sasl/digest-md5.ts.
"""

import base64
import hashlib
import hmac
import os
import re
import socket
import struct

PROTECTIONS = {"authentication": "auth", "integrity": "auth-int", "privacy": "auth-conf"}
SASL, CONTEXT = -33, -3
SUCCESS, NEGOTIATE, INITIATE, WRAP = 0, 1, 2, 5
LARGEST_FRAME = 64 << 20
LARGEST_WRAPPED = 60000


class RemoteError(Exception):
    """What the server refuses; `name` is its Java exception."""

    def __init__(self, name, message):
        super().__init__(message.split("\n", 1)[0][:2000])
        self.name = name


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(*fields):
    """A message of protocol buffers: (number, int, bytes or str) each; None is left out."""
    out = bytearray()
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(out)


class Fields:
    """A message that was read: its values by number."""

    def __init__(self, data):
        self.values = {}
        at = 0
        while at < len(data):
            key, at = read_varint(data, at)
            kind = key & 7
            if kind == 0:
                value, at = read_varint(data, at)
            else:
                length = {1: 8, 5: 4}.get(kind)
                if length is None:
                    if kind != 2:
                        raise ValueError("a message cannot be read")
                    length, at = read_varint(data, at)
                value, at = data[at : at + length], at + length
                if len(value) != length:
                    raise ValueError("a message is cut off")
            self.values.setdefault(key >> 3, []).append(value)

    def all(self, number):
        return [Fields(each) for each in self.values.get(number, [])]

    def one(self, number):
        return Fields(self.bytes(number))

    def bytes(self, number):
        return self.values.get(number, [b""])[-1]

    def text(self, number):
        return self.bytes(number).decode("utf-8", "replace")

    def number(self, number, default=0):
        value = self.values.get(number, [default])[-1]
        return value - (1 << 64) if value >> 63 else value


def read_varint(data, at):
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a message is cut off")
        number |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return number, at


def delimited(*parts):
    return b"".join(varint(len(part)) + part for part in parts)


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


class Digest:
    """The client's one answer of DIGEST-MD5, what the server must say then, and the layer for what follows."""

    def __init__(self, challenge, uri, token, protections):
        offered = directives(challenge)
        qops = [each.strip() for each in offered.get("qop", "auth").split(",")]
        qop = next((PROTECTIONS[each] for each in protections if PROTECTIONS[each] in qops), None)
        if qop is None:
            raise OSError(f"the server offers {qops}, but the configured protection is {protections}")
        user, password = (base64.b64encode(token[name]).decode() for name in ("identifier", "password"))
        realm, nonce = offered.get("realm", ""), offered.get("nonce", "")
        cnonce = base64.b64encode(os.urandom(24)).decode()
        key = md5(md5(f"{user}:{realm}:{password}".encode()) + f":{nonce}:{cnonce}".encode())
        zeros = "" if qop == "auth" else ":" + "0" * 32

        def proof(a2):
            hashed = md5(f"{a2}:{uri}{zeros}".encode()).hex()
            return md5(f"{key.hex()}:{nonce}:00000001:{cnonce}:{qop}:{hashed}".encode()).hex()

        self.expected = proof("")
        self.layer = None if qop == "auth" else Layer(key, qop == "auth-conf")
        self.response = (
            f'charset=utf-8,username="{user}",realm="{realm}",nonce="{nonce}",nc=00000001,cnonce="{cnonce}",'
            f'digest-uri="{uri}",maxbuf=65536,response={proof("AUTHENTICATE")},qop={qop}'
            + (",cipher=rc4" if qop == "auth-conf" else "")
        )


def directives(text):
    pairs = re.findall(r'([A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^,]*))', text)
    return {name: re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in pairs}


class Layer:
    """Integrity, or privacy by RC4, which is all that Hadoop's daemons and we both speak."""

    def __init__(self, key, private):
        def side(way):
            sealing = md5(key + f"Digest H(A1) to {way} sealing key magic constant".encode())
            signing = md5(key + f"Digest session key to {way} signing key magic constant".encode())
            return {"key": signing, "cipher": rc4(sealing) if private else bytes, "sequence": 0}

        self.ours, self.theirs = side("client-to-server"), side("server-to-client")

    def wrap(self, data):
        sequence = self.next(self.ours)
        sealed = self.ours["cipher"](data + mac(self.ours["key"], sequence, data))
        return sealed + b"\x00\x01" + sequence

    def unwrap(self, data):
        sequence = self.next(self.theirs)
        opened = self.theirs["cipher"](data[:-6])
        right = hmac.compare_digest(mac(self.theirs["key"], sequence, opened[:-10]), opened[-10:])
        if len(data) < 16 or not right or data[-6:] != b"\x00\x01" + sequence:
            raise OSError("a protected message was changed on its way")
        return opened[:-10]

    @staticmethod
    def next(side):
        side["sequence"] += 1
        return struct.pack(">I", side["sequence"] - 1)


def md5(data):
    # Where FIPS is enforced, MD5 is refused unless it is said to be no more than a formality.
    return hashlib.md5(data, usedforsecurity=False).digest()


def mac(key, sequence, data):
    return hmac.new(key, sequence + data, lambda start=b"": hashlib.md5(start, usedforsecurity=False)).digest()[:10]


def rc4(key):
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) & 255
        state[i], state[j] = state[j], state[i]

    def stream():
        i = j = 0
        while True:
            i = (i + 1) & 255
            a = state[i]
            j = (j + a) & 255
            b = state[j]
            state[i], state[j] = b, a
            yield state[(a + b) & 255]

    keys = stream()
    return lambda data: bytes(byte ^ next(keys) for byte in data)
