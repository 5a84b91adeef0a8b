"""The credentials that YARN gives a container: the grammar is in src/hadoop/credentials.ts."""

import io
import struct

MAGIC = b"HDTS\0"


def decode(blob):
    """Tokens by alias, and secrets by alias."""
    source = io.BytesIO(blob)
    if source.read(5) != MAGIC:
        raise ValueError("the credentials of this container cannot be read")

    def number():
        (first,) = struct.unpack("b", source.read(1))
        return first if first >= -112 else int.from_bytes(source.read(-112 - first), "big")

    def data():
        return source.read(number())

    tokens = {}
    for _ in range(number()):
        alias = data()
        tokens[alias] = dict(zip(("identifier", "password", "kind", "service"), (data(), data(), data(), data())))
    return tokens, {data(): data() for _ in range(number())}


def encode(tokens, secrets):
    out = bytearray(MAGIC)

    def number(value):
        if value < 128:
            out.append(value)
            return
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        out.extend(struct.pack("b", -112 - len(data)) + data)

    def add(*values):
        for value in values:
            number(len(value))
            out.extend(value)

    number(len(tokens))
    for alias, token in tokens.items():
        add(alias, token["identifier"], token["password"], token["kind"], token["service"])
    number(len(secrets))
    for alias, secret in secrets.items():
        add(alias, secret)
    return bytes(out)
