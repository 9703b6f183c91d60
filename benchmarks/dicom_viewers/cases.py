"""The files of the table, and of what kind each is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from benchmarks.dicom_viewers import generated


class Source(Enum):
    """Where a file comes from: two PyPI packages with public files, or `generated.py`."""

    PYDICOM = "pydicom"
    PYDICOM_DATA = "pydicom-data"
    GENERATED = "generated"


@dataclass(frozen=True, slots=True)
class Case:
    """`opened` is what the viewer opens, and `file` the file whose first frame it has to show."""

    name: str
    kind: str
    source: Source
    opened: Path
    file: Path


#: Files of pydicom's own tests.
PYDICOM = {
    "CT_small.dcm": "signed, no window",
    "MR_small.dcm": "window",
    "MR_small_bigendian.dcm": "big endian",
    "MR_small_RLE.dcm": "RLE",
    "MR_small_jp2klossless.dcm": "JPEG 2000, lossless",
    "MR_small_jpeg_ls_lossless.dcm": "JPEG-LS, lossless",
    "MR_truncated.dcm": "truncated pixels",
    "JPEG2000.dcm": "JPEG 2000, lossy",
    "J2K_pixelrep_mismatch.dcm": "JPEG 2000, sign differs from the header",
    "JPEGLSNearLossless_08.dcm": "JPEG-LS, near-lossless",
    "JPEGLSNearLossless_16.dcm": "JPEG-LS, near-lossless, 16 bit",
    "JPEG-lossy.dcm": "JPEG, 12 bit",
    "JPGExtended.dcm": "JPEG, 12 bit",
    "SC_rgb_jpeg_dcmtk.dcm": "JPEG baseline, colour",
    "SC_ybr_full_422_uncompressed.dcm": "YBR_FULL_422",
    "SC_rgb_rle_16bit.dcm": "RLE, 16 bit colour",
    "examples_rgb_color.dcm": "RGB",
    "image_dfl.dcm": "deflated",
    "examples_palette.dcm": "palette",
    "examples_overlay.dcm": "overlay",
    "examples_ybr_color.dcm": "JPEG baseline, YBR, multi-frame",
    "liver_1frame.dcm": "1 bit per pixel",
    "rtdose_1frame.dcm": "32 bit",
    "rtplan.dcm": "no image",
}
#: Files of the package pydicom-data.
PYDICOM_DATA = {
    "RG1_UNCR.dcm": "chest CR, MONOCHROME1",
    "RG3_UNCR.dcm": "CR, MONOCHROME1",
    "693_UNCR.dcm": "head CT, several windows",
    "693_J2KR.dcm": "head CT, JPEG 2000",
    "MR2_UNCR.dcm": "MR",
    "MR-SIEMENS-DICOM-WithOverlays.dcm": "MR with overlay",
    "OBXXXX1A.dcm": "ultrasound, palette",
    "OBXXXX1A_rle_2frame.dcm": "ultrasound, RLE, multi-frame",
    "vlut_04.dcm": "VOI LUT sequence",
    "mlut_18.dcm": "modality LUT sequence",
    "OT-PAL-8-face.dcm": "palette, 8 bit",
    "JPEG-LL.dcm": "JPEG lossless",
    "JPGLosslessP14SV1_1s_1f_8b.dcm": "JPEG lossless, first-order prediction",
    "emri_small.dcm": "multi-frame MR",
    "emri_small_jpeg_ls_lossless.dcm": "multi-frame MR, JPEG-LS",
    "eCT_Supplemental.dcm": "enhanced CT, supplemental palette",
    "color3d_jpeg_baseline.dcm": "JPEG baseline, multi-frame",
    "color-pl.dcm": "RGB by plane",
    "gdcm-US-ALOKA-16.dcm": "palette, 16 bit",
    "SC_rgb_32bit.dcm": "32 bit colour",
}
#: Kinds of the generated files.
GENERATED = {
    "voi-lut": "VOI LUT sequence and a window",
    "modality-lut": "modality LUT sequence",
    "sigmoid": "window SIGMOID",
    "linear-exact": "window LINEAR_EXACT",
    "narrow-window": "narrow window",
    "fractional-window": "fractional window",
    "several-windows": "several windows",
    "no-window": "no window",
    "signed": "signed, 12 bit",
    "negative-slope": "negative rescale slope",
    "monochrome1": "MONOCHROME1",
    "not-square": "pixels that are not square",
    "overlay": "overlay away from the corner",
    "korean-name": "name in ISO 2022 IR 149",
    "contradiction": "contradicting presentation LUT",
    "undeclared-bits": "values outside of the declared bits",
    "shuffled-stack": "stack with shuffled InstanceNumber",
}


def cases(folder: Path) -> Iterator[Case]:
    """Returns all cases. Generated files are written below the folder. Raises OSError and ImportError."""
    import data_store  # type: ignore[import-untyped]
    import pydicom

    folders = {
        Source.PYDICOM: (Path(pydicom.__file__).parent / "data" / "test_files", PYDICOM),
        Source.PYDICOM_DATA: (Path(next(iter(data_store.__path__))) / "data", PYDICOM_DATA),
    }
    for source, (files, kinds) in folders.items():
        for name, kind in kinds.items():
            # In a folder of its own, because viewers also list the files next to it.
            file = folder / source.value / name.removesuffix(".dcm") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.symlink_to(files / name)
            yield Case(name, kind, source, file, file)
    for name, opened in generated.write(folder / Source.GENERATED.value).items():
        file = generated.lowest_slice(opened) if opened.is_dir() else opened
        yield Case(name, GENERATED[name], Source.GENERATED, opened, file)
