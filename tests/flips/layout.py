"""layout - what each byte of an LMDB file is for: a second reader of the format beside the engine's, for good files only."""

import struct

PAGE = 4096
HEADER, NODE = 16, 8
BRANCH, OVERFLOW = 1, 4
BIG, TABLE = 1, 2
NONE = 2**64 - 1
CLASSES = ("record", "row", "leaf header", "branch", "free list", "meta", "unused", "head")


def newest_meta(content):
    """Where the meta page that counts begins."""
    return max((page * PAGE for page in range(2)), key=lambda at: struct.unpack_from("<Q", content, at + HEADER + 128))


def used_bytes(content):
    """Up to the last page that was ever used."""
    return (struct.unpack_from("<Q", content, newest_meta(content) + HEADER + 120)[0] + 1) * PAGE


class Layout:
    """parts: class -> [(first byte, one behind the last)], which together are the whole file."""

    def __init__(self, content, value_class):
        self.content, self.value_class = content, value_class
        self.parts = {name: [] for name in CLASSES}
        newest = newest_meta(content)
        for page in range(2):
            self.parts["meta"].append((page * PAGE, page * PAGE + HEADER + 136))
        self.tree(newest + HEADER + 24, "free list", "free list")
        self.tree(newest + HEADER + 72, None, None)
        self.add_unused()

    def number(self, form, at):
        return struct.unpack_from(form, self.content, at)[0]

    def add(self, name, first, size):
        if size > 0:
            self.parts[name].append((first, first + size))

    def tree(self, table, head, value):
        """`head` and `value` are the classes of a leaf's heads and values; None: as they are in a table of tables."""
        root = self.number("<Q", table + 40)
        if root != NONE:
            self.page(root, head, value)

    def page(self, page, head, value):
        base = page * PAGE
        kind, lower = self.number("<H", base + 10), self.number("<H", base + 12)
        own = head if head == "free list" else "branch" if kind & BRANCH else "leaf header"
        self.add(own, base, lower)
        for i in range((lower - HEADER) // 2):
            at = base + self.number("<H", base + HEADER + 2 * i)
            low, high, flags, key = struct.unpack_from("<HHHH", self.content, at)
            self.add(own, at, NODE + key)
            if kind & BRANCH:
                self.page(flags << 32 | high << 16 | low, head, value)
            else:
                self.entry(at + NODE + key, high << 16 | low, flags, head, value, self.content[at + NODE:at + NODE + key])

    def entry(self, at, size, flags, head, value, key):
        if flags & TABLE:
            self.add("leaf header", at, 48)
            self.tree(at, "leaf header", self.value_class if key == b"events" else "row")
        elif flags & BIG:
            self.add(head, at, 8)
            first = self.number("<Q", at) * PAGE
            self.add(head, first, HEADER)
            self.add(value, first + HEADER, size)
        else:
            self.add(value, at, size)

    def add_unused(self):
        behind = 0
        for first, end in sorted(part for parts in self.parts.values() for part in parts):
            assert first >= behind, "two parts share a byte"
            self.add("unused", behind, first - behind)
            behind = end
        self.add("unused", behind, len(self.content) - behind)
