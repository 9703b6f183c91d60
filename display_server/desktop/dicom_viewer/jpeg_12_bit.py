"""Decodes JPEG with 12 bits per sample (JPEG Extended, process 4), which pydicom's decoders refuse.

pydicom does not let GDCM decode it; libjpeg-turbo 3, with which the tests compare, decodes the same samples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import JPEGExtended12Bit

#: The precision that this module decodes, bits.
BITS = 12
#: Markers (ITU-T T.81, table B.1) after 0xFF: start of an extended sequential frame, of a scan, end of image.
_EXTENDED_FRAME, _SCAN, _END = 0xC1, 0xDA, 0xD9
#: Markers without a length: start of image, and TEM.
_WITHOUT_LENGTH = {0xD8, 0x01}


class FrameHeader(NamedTuple):
    """What a JPEG stream says of its image."""

    precision: int
    rows: int
    columns: int
    components: int


def is_12_bit(dataset: Dataset) -> bool:
    """Returns whether the pixels are JPEG Extended with more than 8 bits per sample."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    return bool(syntax == JPEGExtended12Bit and int(dataset.get("BitsStored", 0)) != 8)


def decode_12_bit(dataset: Dataset, index: int) -> NDArray[np.uint16]:
    """Returns frame `index`, (height, width). Raises ValueError unless it is what the header declares."""
    stream = get_frame(dataset.PixelData, index, number_of_frames=int(dataset.get("NumberOfFrames", 1) or 1))
    declared = FrameHeader(
        int(dataset.BitsStored), int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel)
    )
    found = frame_header(stream)
    if found != declared or found.precision != BITS or found.components != 1:
        raise ValueError(f"The JPEG stream has {found}, and the file declares {declared}.")
    if int(dataset.PixelRepresentation) or int(dataset.BitsAllocated) != 16:
        raise ValueError("Samples of 12-bit JPEG are unsigned and take 16 bits.")
    samples = np.frombuffer(_decoded_by_gdcm(stream, declared), np.dtype("<u2"))
    return samples.reshape(declared.rows, declared.columns)


def frame_header(stream: bytes) -> FrameHeader:
    """Reads the segments before the first scan. Raises ValueError unless this is a whole extended JPEG."""
    # Encoders pad to an even length, with 0 or 0xFF.
    if not stream.rstrip(b"\0\xff").endswith(bytes((0xFF, _END))):
        raise ValueError("The JPEG stream is cut off.")
    at = 0
    while at + 4 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _EXTENDED_FRAME and at + 10 <= len(stream):
            precision, components = stream[at + 4], stream[at + 9]
            rows, columns = (int.from_bytes(stream[at + n : at + n + 2]) for n in (5, 7))
            return FrameHeader(precision, rows, columns, components)
        elif marker == _SCAN:
            break
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4])
    raise ValueError("The stream is not extended sequential JPEG.")


def _decoded_by_gdcm(stream: bytes, header: FrameHeader) -> bytes:
    import gdcm  # loads many libraries, which other files do not need

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image: Any = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.columns, header.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(
        gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    )
    image.SetTransferSyntax(
        gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str.__str__(JPEGExtended12Bit)))
    )
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, BITS, BITS - 1, 0))
    # GDCM returns the buffer as a string whose bytes above 127 are escaped.
    samples: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    if len(samples) != 2 * header.rows * header.columns:
        raise ValueError(f"GDCM decoded {len(samples)} bytes of {header.rows} × {header.columns} samples.")
    return samples
