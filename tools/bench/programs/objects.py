"""Objects, dictionaries, lists, big integers, floats, JSON and regular expressions in plain Python."""
import json
import re
import sys


class Vector:
    __slots__ = ('x', 'y')

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def turned(self, c, s):
        return Vector(c * self.x - s * self.y, s * self.x + c * self.y)


def queens(n, row=0, columns=0, left=0, right=0):
    if row == n:
        return 1
    free = ~(columns | left | right) & ((1 << n) - 1)
    found = 0
    while free:
        bit = free & -free
        free ^= bit
        found += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1)
    return found


def spiral(steps):
    at, step = Vector(0.0, 0.0), Vector(1.0, 0.0)
    for _ in range(steps):
        at, step = at + step, step.turned(0.8, 0.6)
    return round(at.x, 6), round(at.y, 6)


def words(path):
    index = {}
    with open(path) as text:
        for number, line in enumerate(text):
            for word in re.findall(r'[a-z]+', line):
                index.setdefault(word, []).append(number)
    packed = json.dumps({word: lines[:20] for word, lines in index.items()}, sort_keys=True)
    return len(packed), len(json.loads(packed))


print(queens(8), spiral(60000), words(sys.argv[1]), pow(3, 20011) % (10**40 + 7), sorted(str(n) for n in range(20000))[::997])
