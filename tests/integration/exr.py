# SPDX-License-Identifier: Apache-2.0
"""What an OpenEXR file says of itself (openexr.com, "OpenEXR File Layout"): as much as Blender's files need."""
import struct


MAGIC = b"\x76\x2f\x31\x01"
MANY_PARTS = 0x1000
PARTS_OF_NAMES = ("name", "type", "view")


def read_header(path):
    """name → value of the attributes of the first part: text for strings, (x0, y0, x1, y1) for boxes, names for channels,
    bytes for all others."""
    return read_headers(path.read_bytes())[0][0]


def read_headers(data):
    """The attributes of each part, and where they end."""
    assert data[:4] == MAGIC, "this is no OpenEXR"
    version, = struct.unpack_from("<I", data, 4)
    header, at = read_attributes(data, 8)
    headers = [header]
    while version & MANY_PARTS and data[at]:
        header, at = read_attributes(data, at)
        headers.append(header)
    return headers, at + 1 if version & MANY_PARTS else at


def read_attributes(data, at):
    found = {}

    def take_text():
        nonlocal at
        end = data.index(b"\0", at)
        text, at = data[at:end].decode(), end + 1
        return text

    while data[at]:
        name, kind = take_text(), take_text()
        size, = struct.unpack_from("<i", data, at)
        value = data[at + 4:at + 4 + size]
        at += 4 + size
        if kind == "string":
            value = value.decode()
        elif kind == "box2i":
            value = struct.unpack("<4i", value)
        elif kind == "chlist":
            value = channel_names(value)
        found[name] = value
    return found, at + 1


def picture_of(data):
    """What makes the picture: all attributes but the texts in which Blender says when and from what it was made, and the
    compressed channels. The first entry of the offsets, which follow the headers, is that of the channels."""
    headers, at = read_headers(data)
    first, = struct.unpack_from("<Q", data, at)
    assert at < first < len(data)
    return [{name: value for name, value in header.items() if not isinstance(value, str) or name in PARTS_OF_NAMES}
            for header in headers], data[first:]


def channel_names(data):
    """Each channel: its name, a zero, 16 bytes of type and sampling; a zero behind the last."""
    names, at = [], 0
    while data[at]:
        end = data.index(b"\0", at)
        names.append(data[at:end].decode())
        at = end + 1 + 16
    return names


def size_of(header):
    left, top, right, bottom = header["displayWindow"]
    return right - left + 1, bottom - top + 1
