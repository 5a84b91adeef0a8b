"""DIGEST-MD5 (RFC 2831), by which a token logs in: src/hadoop/sasl/digest-md5.ts has its grammar. What protects messages then, too."""

import base64
import hashlib
import hmac
import os
import re
import struct

PROTECTIONS = {"authentication": "auth", "integrity": "auth-int", "privacy": "auth-conf"}


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
