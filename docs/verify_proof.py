#!/usr/bin/env python3
# ruff: noqa: T201 - this is a command: it prints.
"""Check offline that a ledger entry is part of a signed checkpoint.

    python verify_proof.py PROOF.json PUBLIC_KEY.pem [CHECKPOINT.json]

PROOF.json comes from `flask ledger prove` or the API. PUBLIC_KEY.pem and, better still,
CHECKPOINT.json come from somebody whom you trust to have kept them: then the proof also shows
that the ledger which you are shown today is the one that was signed then. This file needs Python
3.9 and the `cryptography` package, for an SM2 key also the program `openssl` of version 3, and
nothing of the program that made the proof.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_path(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        raise ValueError("the entry's place lies outside the checkpoint")
    here, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if here & 1 or here == last:
            value = node(sibling, value)
            while here & 1 == 0 and here != 0:
                here, last = here >> 1, last >> 1
        else:
            value = node(value, sibling)
        here, last = here >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return value


SM2 = ("-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")


class Sm2Key:
    """A public key on the curve of SM2, which `cryptography` does not have."""

    def __init__(self, pem):
        self.pem = pem

    def verify(self, signature, content):
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        with tempfile.TemporaryDirectory() as name:
            key, signed = Path(name) / "key.pem", Path(name) / "signature"
            key.write_bytes(self.pem)
            signed.write_bytes(encode_dss_signature(r, s))
            command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-sigfile", signed]
            done = subprocess.run(
                [*command, *SM2], input=content, stdout=subprocess.DEVNULL, check=False
            )
        if done.returncode != 0:
            raise InvalidSignature


def load_key(pem):
    try:
        return load_pem_public_key(pem)
    except UnsupportedAlgorithm:
        return Sm2Key(pem)


def verify(proof, key, witness=None):
    """Return the entry and the signed head; raise ValueError or InvalidSignature otherwise."""
    signed = proof["checkpoint"] if witness is None else witness
    key.verify(bytes.fromhex(signed["signature"]), signed["content"].encode())
    head = json.loads(signed["content"])
    leaf = hashlib.sha256(b"\x00" + proof["entry"].encode()).digest()
    path = [bytes.fromhex(text) for text in proof["path"]]
    if root_from_path(leaf, proof["position"], head["size"], path).hex() != head["root"]:
        raise ValueError("the entry is not in the ledger that was signed")
    return json.loads(proof["entry"]), head


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        proof = json.load(file)
    with open(arguments[1], "rb") as file:
        key = load_key(file.read())
    witness = None
    if len(arguments) == 3:
        with open(arguments[2], encoding="utf-8") as file:
            witness = json.load(file)
    try:
        entry, head = verify(proof, key, witness)
    except (ValueError, KeyError, TypeError, InvalidSignature) as error:
        print(f"NOT PROVEN: {error or 'the signature is not that of this key'}")
        return 1
    print(f"PROVEN: entry {entry['seq']} ({entry['title']}, {entry['points']}/100 points)")
    print(f"is number {proof['position'] + 1} of {head['size']} entries signed at {head['at']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
