"""The tree is that of RFC 6962: its published vectors, and properties over any size."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from points.merkle import EMPTY_ROOT, Frontier, find_path, leaf_hash, root_from_path, root_of

# The inputs, roots and paths of the certificate-transparency reference implementation.
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hashes_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def test_empty_tree_is_the_digest_of_nothing() -> None:
    assert Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_root_is_the_published_one(size: int) -> None:
    hashes = [leaf_hash(data) for data in INPUTS[:size]]

    assert root_of(hashes).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_path_is_the_published_one(index: int, size: int) -> None:
    hashes = [leaf_hash(data) for data in INPUTS[:size]]

    assert [node.hex() for node in find_path(hashes, index)] == PATHS[index, size]


@given(st.integers(1, 600).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_every_path_leads_to_the_root(place: tuple[int, int]) -> None:
    size, index = place
    hashes = hashes_of(size)

    path = find_path(hashes, index)

    assert root_from_path(hashes[index], index, size, path) == root_of(hashes)


@given(
    st.integers(2, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))),
    st.data(),
)
def test_no_path_leads_there_from_another_leaf_place_or_path(
    place: tuple[int, int], data: st.DataObject
) -> None:
    size, index = place
    hashes = hashes_of(size)
    path, root = find_path(hashes, index), root_of(hashes)
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    broken = data.draw(st.integers(0, len(path) - 1))
    altered = [*path[:broken], leaf_hash(b"x"), *path[broken + 1 :]]

    assert root_from_path(hashes[other], index, size, path) != root
    assert root_from_path(hashes[index], other, size, path) != root
    assert root_from_path(hashes[index], index, size, altered) != root
    assert root_from_path(hashes[index], index, size, path[:-1]) != root
    assert root_from_path(hashes[index], index, size, [*path, root]) is None
    assert root_from_path(hashes[index], size, size, path) is None


@given(st.integers(0, 1100), st.sampled_from([2, 4, 256]))
def test_tiles_make_the_same_tree(size: int, tile: int) -> None:
    """What lets a proof read one tile and the roots of the others."""
    hashes = hashes_of(size)
    tiles = [root_of(hashes[start : start + tile]) for start in range(0, size, tile)]

    assert root_of(tiles) == root_of(hashes)


@given(st.integers(1, 700).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_path_through_tiles_is_the_path(place: tuple[int, int]) -> None:
    size, index = place
    hashes, tile = hashes_of(size), 256
    tiles = [root_of(hashes[start : start + tile]) for start in range(0, size, tile)]
    start = index - index % tile
    within = find_path(hashes[start : start + tile], index - start)

    assert within + find_path(tiles, index // tile) == find_path(hashes, index)


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = hashes_of(2)

    assert leaf_hash(left + right) != root_of([left, right])
