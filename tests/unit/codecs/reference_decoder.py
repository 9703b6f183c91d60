"""A slow second decoder, written from codecs/README.md alone, to prove that the specification suffices."""

from __future__ import annotations

from functools import cache

MASK = 0xFFFFFFFF
NO_INDEX = -1
WEIGHTS = [
    [12, 5, -1, 6, -2, -4], [4, 19, -1, 2, 1, -9], [4, 4, 2, 4, 1, 1], [17, 0, 1, 4, -7, 1],
    [16, 16, -16, 0, 0, 0], [25, -14, 6, 10, -10, -1], [1, 27, -1, 1, 0, -12], [15, 8, -4, 4, -3, -4],
    [7, 7, 0, 4, -1, -1], [-7, 2, 22, -1, 0, 0], [10, 16, -4, 2, -2, -6], [11, 1, -3, 8, 2, -3],
    [7, 8, -5, 8, 0, -2], [0, 16, 0, 0, 0, 0], [11, -10, 2, 16, -1, -2],
]  # fmt: skip
THETA = [
    30, 120, 400, 1000, 2200, 4000, 6400, 9300, 12500, 16000, 19600,
    23200, 26800, 30300, 33700, 36900, 39900, 42700, 45300, 47700, 49900, 51900,
    53700, 55350, 56850, 58200, 59500, 60700, 61800, 62800, 63700, 64500,
]  # fmt: skip
THRESHOLDS = (1, 4, 7, 11, 17, 28, 60)


@cache
def table(number: int) -> tuple[list[int], list[int], list[int]]:
    """Returns the frequency and the cumulative frequency of each symbol, and the symbol of each slot."""
    theta = THETA[number]
    theta_tail = 65536 - (65536 - theta) // 3
    power, tail, weight = 65536, theta, []
    for _ in range(128):
        weight.append((power << 32) // (65536 + power) ** 2 + tail // 512)
        power, tail = power * theta // 65536, tail * theta_tail // 65536
    total = weight[0] + 2 * sum(weight[1:])
    frequency, escaped = [0] * 256, 0
    for r in range(128):
        f = weight[r] * 4090 // total
        frequency[r] = frequency[-r % 256] = f
        escaped += (2 if r else 1) * weight[r] if f == 0 else 0
    frequency[128] = min(2 + escaped * 4090 // total, 4096 - sum(frequency))
    frequency[0] += 4096 - sum(frequency)
    cumulative: list[int] = []
    slots: list[int] = []
    for symbol in range(256):
        cumulative.append(len(slots))
        slots += [symbol] * frequency[symbol]
    return frequency, cumulative, slots


def _predict(predictor: int, w: int, n: int, nw: int, ne: int, ww: int, nn: int) -> int:
    if predictor == 0:
        return max(max(w, n) - max(nw - min(w, n), 0), min(w, n), 0)
    pairs = zip(WEIGHTS[predictor - 1], (w, n, nw, ne, ww, nn), strict=True)
    return min(255, max(0, (sum(a * b for a, b in pairs) + 8) >> 4))


class _Planes:
    def __init__(self, body: bytes, planes: int, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.heads = [int.from_bytes(body[6 * p : 6 * p + 6], "little") for p in range(planes)]
        body = body[6 * planes :]
        self.states = []
        for i in range(8):
            high = int.from_bytes(body[16 + i // 2 * 3 : 19 + i // 2 * 3], "little") >> (12 * (i % 2)) & 0xFFF
            self.states.append(int.from_bytes(body[2 * i : 2 * i + 2], "little") | high << 16)
        self.words = [int.from_bytes(body[i : i + 2], "little") for i in range(28, len(body), 2)]

    def _refill(self, i: int) -> None:
        if self.states[i] < 4096:
            self.states[i] = self.states[i] * 65536 + self.words.pop(0)

    def _symbol(self, i: int, number: int) -> int:
        frequency, cumulative, slots = table(number)
        slot = self.states[i] % 4096
        symbol = slots[slot]
        self.states[i] = frequency[symbol] * (self.states[i] // 4096) + slot - cumulative[symbol]
        self._refill(i)
        return symbol

    def plane(self, head: int) -> list[list[int]]:
        width, height, period = self.width, self.height, max(self.width, 32)
        out = [[0] * width for _ in range(height)]
        first_w = [0] * height
        for t in range(period * -(-height // 16) + 30):
            pending = []
            for lane in range(16):
                s = t - 2 * lane
                y, x = lane + 16 * (s // period), s % period
                if s < 0 or x >= width or y >= height:
                    continue
                row, above = out[y], out[y - 1]
                n = above[x] if y else 0
                nw = above[x - 1] if x else 0
                ne = above[x + 1] if x < width - 1 else n
                nn = out[y - 2][x] if y > 1 else n
                w = row[x - 1] if x else n
                ww = row[x - 2] if x > 1 else first_w[y]
                if x == 0:
                    first_w[y] = nw = ww = w
                if y == 0:
                    n = nw = ne = nn = w
                activity = min(255, min(255, abs(w - nw) + abs(n - nw)) + min(255, abs(n - ne) + abs(w - ww)))
                activity = min(255, activity + abs(n - nn))
                context = sum(activity >= threshold for threshold in THRESHOLDS)
                symbol = self._symbol(lane % 8, head >> (4 + 5 * context) & 31)
                pending.append((lane, y, x, _predict(head & 15, w, n, nw, ne, ww, nn), symbol))
            for lane, y, x, predicted, symbol in pending:
                if symbol == 128:
                    symbol, self.states[lane % 8] = self.states[lane % 8] % 256, self.states[lane % 8] // 256
                    self._refill(lane % 8)
                unfolded = 2 * symbol if symbol < 128 else 2 * (255 - symbol) + 1
                out[y][x] = unfolded if predicted == 0 else (predicted + symbol) % 256
        return out

    def decode(self) -> list[list[list[int]]]:
        planes = [self.plane(head) for head in self.heads]
        assert self.states == [4096] * 8
        assert not self.words
        return planes


class _Bits:
    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0
        self.low, self.high, self.code = 0, MASK, 0
        self.models: dict[object, list[int]] = {}
        for _ in range(4):
            self.code = self.code << 8 | self._byte()

    def _byte(self) -> int:
        self.at += 1
        return self.body[self.at - 1] if self.at <= len(self.body) else 0

    def bit(self, name: object) -> int:
        model = self.models.setdefault(name, [32768, 0])
        middle = self.low + ((self.high - self.low) * model[0] >> 16)
        bit = int(self.code <= middle)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        change = ((65535 if bit else 0) - model[0]) * (655360 // (10 * model[1] + 16))
        model[0] = min(65472, max(64, model[0] + (abs(change) // 65536) * (1 if change > 0 else -1)))
        model[1] = min(model[1] + 1, 60)
        while self.low >> 24 == self.high >> 24:
            self.low = self.low << 8 & MASK
            self.high = self.high << 8 & MASK | 255
            self.code = self.code << 8 & MASK | self._byte()
        return bit

    def tree(self, name: object, bits: int) -> int:
        node = 1
        for _ in range(bits):
            node = node << 1 | self.bit((name, node))
        return node - (1 << bits)


def _palette(body: bytes, width: int, height: int) -> list[list[int]]:
    count = body[0] + 1
    bits = _Bits(body[1:])
    colours = []
    r = 0
    for _ in range(count):
        r = (r + bits.tree("red", 8)) & 255
        g = (r + bits.tree("green", 8)) & 255
        colours.append(r << 16 | g << 8 | (g + bits.tree("blue", 8)) & 255)
    assert colours == sorted(set(colours))
    size = (count - 1).bit_length()
    out: list[list[int]] = []

    def at(x: int, y: int) -> int:
        return out[y][x] if 0 <= y < len(out) and 0 <= x < len(out[y]) else NO_INDEX

    copied = 0
    for y in range(height):
        if y:
            copied = bits.bit(("row", copied))
            if copied:
                out.append(list(out[-1]))
                continue
        out.append([])
        for x in range(width):
            w, ww, n, nw, ne, nn = (
                at(x - 1, y),
                at(x - 2, y),
                at(x, y - 1),
                at(x - 1, y - 1),
                at(x + 1, y - 1),
                at(x, y - 2),
            )
            equal = (n == w, n == nw, n == ne, w == nw, n == nn, w == ww)
            shape = sum(1 << i for i, yes in enumerate(equal) if yes)
            tried: list[int] = []
            for name, neighbour in (("n", n), ("w", w), ("ne", ne), ("nw", nw)):
                if neighbour == NO_INDEX or neighbour in tried:
                    continue
                tried.append(neighbour)
                if bits.bit((name, shape)):
                    out[y].append(neighbour)
                    break
            else:
                out[y].append(bits.tree(("literal", 16 if w == NO_INDEX else w >> max(size - 4, 0)), size))
    return [[colours[i] for i in row] for row in out]


def decode(payload: bytes, width: int, height: int) -> list[list[int]]:
    """Returns rows of 0xRRGGBB. Raises any exception for a malformed payload."""
    encoding, body = payload[0], payload[1:]
    if encoding in (0, 4):
        pixels = [int.from_bytes(body[i : i + 3], "big") for i in range(0, len(body), 3)]
        pixels = pixels * (width * height) if encoding == 0 else pixels
        return [pixels[y * width : (y + 1) * width] for y in range(height)]
    if encoding == 1:
        return _palette(body, width, height)
    planes = _Planes(body, 1 if encoding == 2 else 3, width, height).decode()
    if encoding == 2:
        return [[level * 0x010101 for level in row] for row in planes[0]]
    return [
        [(r + g + 128) % 256 << 16 | g << 8 | (b + g + 128) % 256 for g, r, b in zip(*rows, strict=True)]
        for rows in zip(*planes, strict=True)
    ]
