"""JPEG with 12 bits is decoded as libjpeg-turbo 3 decodes it, or refused."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEGExtended12Bit

from benchmarks.dicom_viewers import generated
from display_server.desktop.dicom_viewer.decoding import decode
from display_server.desktop.dicom_viewer.grey_scale import GreyFrame
from display_server.desktop.dicom_viewer.jpeg_12_bit import FrameHeader, decode_12_bit, frame_header
from display_server.desktop.dicom_viewer.phantoms import image_dataset
from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError


def encoded(quality: int = 90) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(generated.relief(), bitspersample=12, level=quality))


def dataset_of(*streams: bytes, **attributes: Any) -> Dataset:
    dataset = image_dataset("12 bit", generated.relief(), bits_stored=12)
    dataset.file_meta.TransferSyntaxUID = JPEGExtended12Bit
    dataset.PixelData = encapsulate(list(streams))
    dataset.NumberOfFrames = len(streams)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_public_files_have_the_samples_of_libjpeg_turbo(name: str) -> None:
    file = get_testdata_file(name)
    assert isinstance(file, str)
    dataset = pydicom.dcmread(file)
    expected = imagecodecs.jpeg8_decode(get_frame(dataset.PixelData, 0, number_of_frames=1))
    assert expected.max() > 255
    assert np.array_equal(decode_12_bit(dataset, 0), expected)
    frame = decode(dataset)
    assert isinstance(frame, GreyFrame)
    assert np.array_equal(frame.stored, expected)


@pytest.mark.parametrize("quality", [30, 75, 100])
def test_every_frame_has_the_samples_of_libjpeg_turbo(quality: int) -> None:
    streams = encoded(quality), encoded(50)
    dataset = dataset_of(*streams)
    for index, stream in enumerate(streams):
        assert np.array_equal(decode_12_bit(dataset, index), imagecodecs.jpeg8_decode(stream))


def test_the_header_is_found_behind_other_segments_and_fill_bytes() -> None:
    stream = encoded()
    assert frame_header(stream) == FrameHeader(12, 256, 256, 1)
    comment = b"\xff\xff\xfe\x00\x04\xff\xc1"
    assert frame_header(stream[:2] + comment + stream[2:] + b"\xff") == FrameHeader(12, 256, 256, 1)


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        b"\xff\xd8\xff\xd9",
        encoded()[: len(encoded()) // 2],
        bytes(imagecodecs.jpeg8_encode(np.zeros((256, 256), np.uint8))),
    ],
    ids=["empty", "without an image", "cut off", "8 bit"],
)
def test_other_streams_are_refused(stream: bytes) -> None:
    with pytest.raises(UnshowableError) as refused:
        decode(dataset_of(stream))
    assert refused.value.reason is Reason.DECODING


@pytest.mark.parametrize(
    "attributes",
    [{"Rows": 255}, {"Columns": 512}, {"BitsStored": 11}, {"PixelRepresentation": 1}, {"SamplesPerPixel": 3}],
    ids=str,
)
def test_a_stream_that_is_not_what_the_header_declares_is_refused(attributes: dict[str, int]) -> None:
    with pytest.raises(UnshowableError) as refused:
        decode(dataset_of(encoded(), **attributes))
    assert refused.value.reason is Reason.DECODING
