"""Messages of protocol buffers, as much of them as is needed here."""


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
