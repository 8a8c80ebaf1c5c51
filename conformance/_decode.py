"""Stand-in until miniredis.resp.decoder exists."""

from miniredis.resp.types import *
from miniredis.resp.types import NULL_ARRAY


def decode(b, at=0):
    end = b.find(b"\r\n", at)
    if end < 0:
        return None
    kind, line, nxt = b[at : at + 1], b[at + 1 : end], end + 2
    if kind == b"+":
        return SimpleString(line), nxt
    if kind == b"-":
        return Error(line), nxt
    if kind == b":":
        return int(line), nxt
    if kind == b"_":
        return None, nxt
    if kind == b"#":
        return line == b"t", nxt
    if kind == b",":
        return float(line), nxt
    if kind == b"(":
        return BigNumber(line), nxt
    n = int(line)
    if kind in b"$=!":
        if n < 0:
            return None, nxt
        if len(b) < nxt + n + 2:
            return None
        d = b[nxt : nxt + n]
        v = Verbatim(d[4:], d[:3]) if kind == b"=" else Error(d) if kind == b"!" else d
        return v, nxt + n + 2
    if n < 0:
        return NULL_ARRAY, nxt
    items = []
    for _ in range(n * (2 if kind in b"%|" else 1)):
        r = decode(b, nxt)
        if r is None:
            return None
        items.append(r[0])
        nxt = r[1]
    if kind == b"%":
        return dict(zip(map(_h, items[::2]), items[1::2])), nxt
    if kind == b"|":
        return decode(b, nxt)
    return {b"*": list, b"~": ReplySet, b">": Push}[kind](items), nxt


def _h(k):
    return tuple(k) if isinstance(k, list) else k
