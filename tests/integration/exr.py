# SPDX-License-Identifier: Apache-2.0
"""What an OpenEXR file says of itself (openexr.com, "OpenEXR File Layout"): as much as Blender's files need."""
import struct


def read_header(path):
    """name → value of the attributes of a file with one part: text for strings, (x0, y0, x1, y1) for boxes, names for
    channels, bytes for all others."""
    data = path.read_bytes()
    assert data[:4] == b"\x76\x2f\x31\x01", "this is no OpenEXR"
    at, found = 8, {}

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
    return found


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
