# SPDX-License-Identifier: Apache-2.0
"""The pixels of a PNG of any depth, and the channels of an OpenEXR; the bytes of other files."""
import struct
import zlib

import exr


def decode(path):
    data = path.read_bytes()
    if data.startswith(exr.MAGIC):
        return exr.picture_of(data)
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, color = header[:4]
    rows, line = zlib.decompress(packed), 1 + (width * {0: 1, 2: 3, 6: 4}[color] * depth + 7) // 8
    assert len(rows) == height * line
    return header, unfiltered(rows, line, {0: 1, 2: 3, 6: 4}[color] * depth // 8)


def unfiltered(rows, line, behind):
    """PNG, 9.2: each line is predicted, by its type, from the bytes to the left, above, and above left."""
    out, above = bytearray(), bytes(line - 1)
    for begin in range(0, len(rows), line):
        kind, row = rows[begin], bytearray(rows[begin + 1:begin + line])
        for i in range(len(row)):
            left, up, corner = row[i - behind] if i >= behind else 0, above[i], above[i - behind] if i >= behind else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + up) & 255
            elif kind == 3:
                row[i] = (row[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
                row[i] = (row[i] + nearest) & 255
        out += row
        above = bytes(row)
    return bytes(out)
