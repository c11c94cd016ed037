# SPDX-License-Identifier: Apache-2.0
"""The pixels of a PNG of any depth, the channels of an OpenEXR, the strips of a TIFF; the bytes of other files."""
import struct
import zlib

import exr


def decode(path):
    data = path.read_bytes()
    if data.startswith(exr.MAGIC):
        return exr.picture_of(data)
    if data.startswith(b"II*\0"):
        return strips(data)
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


def strips(data):
    """Of a TIFF: what describes its pixels, and these as they are packed, without when and by what it was written."""
    def values(kind, count, field):
        size = {1: 1, 3: 2, 4: 4}[kind] * count
        at = field if size <= 4 else struct.unpack_from("<I", data, field)[0]
        return struct.unpack_from(f"<{count}{ {1: 'B', 3: 'H', 4: 'I'}[kind] }", data, at)

    at, = struct.unpack_from("<I", data, 4)
    tags = {}
    for number in range(struct.unpack_from("<H", data, at)[0]):
        tag, kind, count = struct.unpack_from("<HHI", data, at + 2 + 12 * number)
        if kind in (1, 3, 4):
            tags[tag] = values(kind, count, at + 2 + 12 * number + 8)
    places, sizes = tags.pop(273), tags.pop(279)
    described = {tag: tags[tag] for tag in (256, 257, 258, 259, 262, 277, 317, 338, 339) if tag in tags}
    return described, [data[begin:begin + size] for begin, size in zip(places, sizes)]


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
