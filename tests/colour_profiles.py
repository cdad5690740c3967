"""ICC profiles made by hand, so that the right answer is known from their numbers."""

import struct

import numpy as np

# a profile's connection space: XYZ under D50
WHITE_D50 = (0.9642, 1.0, 0.8249)
# columns: red, green, blue primaries, adapted to D50
SRGB_TO_XYZ = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
P3_TO_XYZ = np.array(
    [[0.5151187, 0.2919778, 0.1571035], [0.2411892, 0.6922441, 0.0665668], [-0.0010505, 0.0418791, 0.7840713]]
)


def rgb_profile(primaries_to_xyz, gamma):
    """A matrix profile: XYZ = primaries_to_xyz · rgb^gamma."""
    red, green, blue = (xyz_tag(column) for column in np.transpose(primaries_to_xyz))
    curve = gamma_tag(gamma)
    return icc_profile(
        b"RGB ",
        b"XYZ ",
        {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve},
    )


def grey_profile(gamma):
    return icc_profile(b"GRAY", b"XYZ ", {b"kTRC": gamma_tag(gamma)})


def cmyk_profile(lab_of_corner):
    """A table profile with one CIE Lab colour a corner of the CMYK cube: lab_of_corner(c, m, y, k), each 0 or 1."""
    corners = [lab_of_corner(*((index >> shift) & 1 for shift in (3, 2, 1, 0))) for index in range(16)]
    table = bytes(round(value) for L, a, b in corners for value in (L * 2.55, a + 128, b + 128))
    identity = struct.pack(">9i", *(np.eye(3).ravel() * 65536).astype(int))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + ramp * 4 + table + ramp * 3
    return icc_profile(b"CMYK", b"Lab ", {b"A2B0": lut})


def icc_profile(space, connection_space, tags):
    """A version 2 ICC profile of a device class that fits its colour space."""
    description = b"made for a test"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(description) + 1) + description + bytes(1 + 78),
        b"cprt": b"text\0\0\0\0CC0\0",
        b"wtpt": xyz_tag(WHITE_D50),
        **tags,
    }
    directory, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, content in tags.items():
        directory += struct.pack(">4s2I", signature, offset + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    device_class = b"prtr" if space == b"CMYK" else b"mntr"
    header = struct.pack(">I4sI4s4s4s12s4s28s", offset + len(body), b"", 0x02400000, device_class, space,
                         connection_space, bytes(12), b"acsp", bytes(28))  # fmt: skip
    header += struct.pack(">3i", *(round(value * 65536) for value in WHITE_D50))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body


def xyz_tag(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def gamma_tag(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def srgb_encoded(linear):
    """Linear light 0…1 as sRGB levels 0…255."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
