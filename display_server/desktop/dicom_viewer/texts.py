"""What people read in the viewer, in English and Korean."""

from __future__ import annotations

import os
from collections.abc import Mapping

from display_server.desktop.dicom_viewer.refusals import Reason, UnshowableError

ENGLISH: dict[str, str] = {
    "title": "DICOM viewer",
    "studies": "Studies",
    "images": "{count} images",
    "image": "1 image",
    "no-studies": "There are no studies here. Double-click a DICOM file in the file manager to open it.",
    "loading": "Reading…",
    "slice": "{number} / {count}",
    "centre-width": "C {centre:g}  W {width:g}",
    "table": "VOI LUT of the file",
    "own-scale": "1:1",
    "fit": "Fit",
    "reset": "Reset window",
    "overlay": "Overlay",
    "exact-scale": "one image pixel is one screen pixel",
    "scaled": "{percent} %, interpolated",
    "refused": "This image is not shown",
    "next-step": "Open it in the viewer of your hospital.",
    "lossy": "lossy compressed",
    "colour-profile": "colour profile not applied",
    "shutter": "shutter not applied",
    "aspect": "pixels not square",
    "notice": "Not for diagnosis",
    Reason.NO_DICOM.value: "{detail} is not a DICOM file.",
    Reason.NO_IMAGE.value: "The file contains no image that can be shown ({detail}).",
    Reason.DECODING.value: "The pixels cannot be decoded: {detail}",
    Reason.COLOUR_SPACE.value: "The colour space “{detail}” is not supported.",
    Reason.DEPTH.value: "The pixels are deeper than 16 bits ({detail}).",
    Reason.UNDECLARED_BITS.value: "Pixels have values outside of what the header declares ({detail}).",
    Reason.OVERLAY_IN_PIXELS.value: "An overlay is stored inside the pixels (group {detail}).",
    Reason.PRESENTATION.value: "The file asks for a presentation that is not supported ({detail}).",
    Reason.WINDOW.value: "The window of the file is not valid ({detail}).",
    Reason.LOOKUP_TABLE.value: "A lookup table of the file is not valid ({detail}).",
}
KOREAN: dict[str, str] = {
    "title": "DICOM 뷰어",
    "studies": "검사 목록",
    "images": "영상 {count}장",
    "image": "영상 1장",
    "no-studies": "검사가 없습니다. 파일 관리자에서 DICOM 파일을 두 번 눌러 여십시오.",
    "loading": "읽는 중…",
    "slice": "{number} / {count}",
    "centre-width": "C {centre:g}  W {width:g}",
    "table": "파일의 VOI LUT",
    "own-scale": "1:1",
    "fit": "화면 맞춤",
    "reset": "윈도우 초기화",
    "overlay": "오버레이",
    "exact-scale": "영상 픽셀 하나가 화면 픽셀 하나입니다",
    "scaled": "{percent} %, 보간됨",
    "refused": "이 영상은 표시하지 않습니다",
    "next-step": "병원에서 쓰는 뷰어로 여십시오.",
    "lossy": "손실 압축",
    "colour-profile": "색상 프로파일 미적용",
    "shutter": "셔터 미적용",
    "aspect": "픽셀이 정사각형이 아님",
    "notice": "진단용이 아님",
    Reason.NO_DICOM.value: "{detail} 파일은 DICOM 파일이 아닙니다.",
    Reason.NO_IMAGE.value: "표시할 수 있는 영상이 파일에 없습니다({detail}).",
    Reason.DECODING.value: "픽셀을 디코딩할 수 없습니다: {detail}",
    Reason.COLOUR_SPACE.value: "색 공간 “{detail}”은(는) 지원하지 않습니다.",
    Reason.DEPTH.value: "픽셀이 16비트보다 깊습니다({detail}).",
    Reason.UNDECLARED_BITS.value: "헤더에 선언된 범위를 벗어난 픽셀 값이 있습니다({detail}).",
    Reason.OVERLAY_IN_PIXELS.value: "오버레이가 픽셀 안에 저장되어 있습니다(그룹 {detail}).",
    Reason.PRESENTATION.value: "파일이 요구하는 표시 방식을 지원하지 않습니다({detail}).",
    Reason.WINDOW.value: "파일의 윈도우 값이 올바르지 않습니다({detail}).",
    Reason.LOOKUP_TABLE.value: "파일의 룩업 테이블이 올바르지 않습니다({detail}).",
}


def texts_for(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns the texts of the desktop's language."""
    language = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return KOREAN if language.startswith("ko") else ENGLISH


def sentence(texts: Mapping[str, str], error: UnshowableError) -> str:
    """Returns why a file is refused, as a sentence."""
    return texts[error.reason.value].format(detail=error.detail)
