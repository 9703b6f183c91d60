"""The software bill of materials: complete, valid in form, and the same for the same tree."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    specification = importlib.util.spec_from_file_location("sbom", ROOT / "deploy" / "sbom.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def document(sbom: ModuleType) -> dict[str, Any]:
    made: dict[str, Any] = sbom.bill_of_materials(1_700_000_000)
    return made


def test_has_the_form_of_cyclonedx(document: dict[str, Any]) -> None:
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    references = [part["bom-ref"] for part in document["components"]]
    assert len(set(references)) == len(references)
    for part in document["components"]:
        assert part["purl"].startswith(("pkg:pypi/", "pkg:npm/", "pkg:deb/"))
        assert part["scope"] in {"required", "optional", "excluded"}
        for licence in part.get("licenses", []):
            assert licence.keys() <= {"expression", "license"}
    [dependency] = document["dependencies"]
    assert set(dependency["dependsOn"]) < set(references)


def test_lists_every_package_of_the_locks(document: dict[str, Any]) -> None:
    listed = {part["purl"]: part["scope"] for part in document["components"]}
    for lock, scope in (("run", "required"), ("build", "excluded")):
        text = (ROOT / "deploy" / "locks" / f"{lock}.txt").read_text()
        pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)==(\S+)", text, re.M)
        assert len(pinned) > 3
        found = {listed[f"pkg:pypi/{name.lower()}@{version}"] for name, version in pinned}
        assert found <= {scope, "required", "optional"}
        assert scope in found
    assert any(scope == "optional" and purl.startswith("pkg:pypi/av@") for purl, scope in listed.items())
    lock_file = json.loads((ROOT / "clients" / "web" / "package-lock.json").read_text())
    names = {place.rpartition("node_modules/")[2] for place in lock_file["packages"]} - {""}
    assert {part["name"] for part in document["components"] if part["purl"].startswith("pkg:npm/")} == names
    assert "pkg:deb/debian/xvfb" in listed


def test_every_python_package_has_the_hashes_of_its_files(document: dict[str, Any]) -> None:
    for part in document["components"]:
        if part["purl"].startswith("pkg:pypi/"):
            [reference] = part["externalReferences"]
            assert reference["hashes"]


def test_states_the_products_own_licence(document: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert document["metadata"]["component"]["licenses"] == [{"expression": project["license"]}]


def test_the_same_tree_gives_the_same_document(sbom: ModuleType, document: dict[str, Any]) -> None:
    assert sbom.bill_of_materials(1_700_000_000) == document
    later = sbom.bill_of_materials(1_800_000_000)
    assert later["serialNumber"] == document["serialNumber"]
