#!/usr/bin/python3
"""Verifies the journal of a simulated guest without any of the project's code: pyvhdi (python3-libvhdi) reads the chain.

    journal.py LEAF.vhd [files]

Prints {"records", "first", "last", "whole", "error"} as JSON; exit status 0 only if the journal is whole. With "files" it
prints what the guest's agent was given instead: [{"path", "content"}], the content in base64. The parents are looked for by
name beside their child, as the child's header names them.
"""

import base64
import hashlib
import json
import os
import struct
import sys
import zlib

import pyvhdi

BLOCK = 4096
PORTION = 1 << 20
DIFFERENCING = 4


class Damaged(Exception):
    """The disk does not hold what it should."""


def parent_of(path):
    """The parent's path as the dynamic header of a differencing image names it, None for any other image."""
    with open(path, "rb") as image:
        footer = image.read(512)
        if footer[:8] != b"conectix":
            # A fixed image has its only footer at the end.
            return None
        if struct.unpack(">I", footer[60:64])[0] != DIFFERENCING:
            return None
        image.seek(struct.unpack(">Q", footer[16:24])[0])
        header = image.read(1024)
    name = header[64:576].decode("utf-16-be").split("\0", 1)[0]
    return os.path.join(os.path.dirname(os.path.abspath(path)), os.path.basename(name))


def open_chain(path):
    """Opens a leaf with all its parents; the list keeps them alive."""
    files = [pyvhdi.file()]
    files[0].open(path)
    while (parent := parent_of(path)) is not None:
        if len(files) > 64:
            raise Damaged("the chain has no end")
        opened = pyvhdi.file()
        opened.open(parent)
        if opened.get_identifier() != files[-1].get_parent_identifier():
            raise Damaged(f"{parent} is not the parent of {path}")
        files.append(opened)
        path = parent
    for child, opened in reversed(list(zip(files, files[1:]))):
        child.set_parent(opened)
    return files


def sealed(block):
    return zlib.crc32(block[:-4]) == struct.unpack("<I", block[-4:])[0]


def sequence_of(block, slot):
    """The record's number, 0 for an empty slot."""
    if not any(block):
        return 0
    if block[:8] != b"NSRECORD":
        raise Damaged(f"slot {slot}: neither empty nor a record")
    if not sealed(block):
        raise Damaged(f"slot {slot}: a record with a wrong CRC")
    return struct.unpack("<q", block[32:40])[0]


def read(disk, offset, size):
    data = disk.read_buffer_at_offset(size, offset)
    if len(data) != size:
        raise Damaged(f"the disk ends at {offset + len(data)}")
    return data


def verify(disk):
    superblock = read(disk, 0, BLOCK)
    if superblock[:8] != b"NSIMAGE1" or not sealed(superblock):
        raise Damaged("the disk has no good superblock")
    ring, length, content, content_length = struct.unpack("<4q", superblock[8:40])

    slots = length // BLOCK
    numbers = []
    for at in range(0, slots * BLOCK, PORTION):
        data = read(disk, ring + at, min(PORTION, slots * BLOCK - at))
        for inner in range(0, len(data), BLOCK):
            numbers.append(sequence_of(data[inner:inner + BLOCK], len(numbers)))

    found = sorted(number for number in numbers if number)
    for earlier, later in zip(found, found[1:]):
        if later != earlier + 1:
            raise Damaged(f"record {later} follows record {earlier}")
    for slot, number in enumerate(numbers):
        if number and (number - 1) % slots != slot:
            raise Damaged(f"slot {slot} holds record {number}, which has no place there")
    if found and found[0] != 1 and len(found) != slots:
        raise Damaged(f"the ring begins with record {found[0]} but is not full")

    digest = hashlib.sha256()
    for at in range(0, content_length, PORTION):
        digest.update(read(disk, content + at, min(PORTION, content_length - at)))
    if content_length and digest.digest() != superblock[40:72]:
        raise Damaged("the content is not what the image was made with")
    return len(found), found[0] if found else 0, found[-1] if found else 0


def files_of(disk):
    """The files between the superblock and the ring: of blocks with one path the highest version counts."""
    superblock = read(disk, 0, BLOCK)
    if superblock[:8] != b"NSIMAGE1" or not sealed(superblock):
        raise Damaged("the disk has no good superblock")
    ring, _, content, content_length = struct.unpack("<4q", superblock[8:40])
    found = {}
    for at in range(BLOCK, min(PORTION, ring, content if content_length else ring) // BLOCK * BLOCK, BLOCK):
        block = read(disk, at, BLOCK)
        if not any(block):
            continue
        if block[:8] != b"NSGFILE1" or not sealed(block):
            raise Damaged(f"at {at}: neither empty nor a good file")
        version, path_length, length = struct.unpack("<qii", block[8:24])
        path = block[24:24 + path_length].decode()
        if path not in found or found[path][0] < version:
            found[path] = (version, block[24 + path_length:24 + path_length + length])
    return [{"path": path, "content": base64.b64encode(found[path][1]).decode()} for path in sorted(found)]


def list_files(leaf):
    try:
        chain = open_chain(leaf)
        print(json.dumps(files_of(chain[0])))
        return 0
    except (Damaged, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


def main(arguments):
    if len(arguments) == 2 and arguments[1] == "files":
        return list_files(arguments[0])
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    report = {"records": 0, "first": 0, "last": 0, "whole": False, "error": None}
    try:
        files = open_chain(arguments[0])
        report["records"], report["first"], report["last"] = verify(files[0])
        report["whole"] = True
    except (Damaged, OSError) as problem:
        report["error"] = str(problem)
    print(json.dumps(report))
    return 0 if report["whole"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
