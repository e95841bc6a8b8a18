"""The Merkle tree of RFC 6962, section 2.1: pure hashing, no storage.

A leaf and an inner node are hashed with different prefixes, so that neither can pass for the
other. All functions below `leaf_hash` take and give hashes.
"""

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf's data."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(_NODE + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, or over the roots of equal full subtrees and a last smaller one.

    Both give the same tree, because a tree is split at the largest power of two below its size.
    """
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root


def find_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of one leaf, from its neighbour up to the root's child."""
    path = []
    low, high = 0, len(hashes)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root_of(hashes[middle:high]))
            high = middle
        else:
            path.append(root_of(hashes[low:middle]))
            low = middle
    return path[::-1]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to (RFC 9162, 2.1.3.2); None if it cannot be a path."""
    if not 0 <= index < size:
        return None
    node, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while node & 1 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    return value if last == 0 else None


class Frontier:
    """A tree that only grows: the roots of its full subtrees, largest first."""

    def __init__(self, hashes: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._roots: list[bytes] = []
        self.extend(hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf on the right."""
        carried, size = leaf, self.size
        while size & 1:
            carried = node_hash(self._roots.pop(), carried)
            size >>= 1
        self._roots.append(carried)
        self.size += 1

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Add leaves on the right, in their order."""
        for one in hashes:
            self.append(one)

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._fold(self._roots[-1], self._roots[:-1]) if self._roots else EMPTY_ROOT

    def root_before(self, last: bytes) -> bytes:
        """The root with one more subtree on the right, smaller than those here or of their size."""
        return self._fold(last, self._roots)

    @staticmethod
    def _fold(value: bytes, lefts: Sequence[bytes]) -> bytes:
        for left in reversed(lefts):
            value = node_hash(left, value)
        return value


def _split(size: int) -> int:
    """The largest power of two below a size of at least two."""
    return 1 << ((size - 1).bit_length() - 1)
