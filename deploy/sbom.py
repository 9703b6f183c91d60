"""Writes the software bill of materials (CycloneDX 1.6): `python deploy/sbom.py FILE`.

It lists what the locks pin: the Python packages of the product and of its extra `motion`, what builds it, the
build tools of the web client (of which nothing is part of the product), and the Debian packages that setup
installs. The same tree always gives the same file, apart from the licences, which installed packages state.
"""

from __future__ import annotations

import base64
import datetime
import importlib.metadata
import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "deploy" / "locks"
#: A pinned distribution of a lock, with its hashes.
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+).*?((?:\\\n\s+--hash=sha256:[0-9a-f]{64}\s*)+)", re.M)
#: The packages of a list in setup.sh.
DEBIAN_LIST = r"^{name}=\(\n(.*?)^\)"
Component = dict[str, Any]


def pins(lock: str) -> dict[str, tuple[str, list[str]]]:
    """Returns the version and the hashes of each package of a lock."""
    text = (LOCKS / f"{lock}.txt").read_text()
    return {
        match[1].lower(): (match[2], re.findall(r"sha256:([0-9a-f]{64})", match[3]))
        for match in PIN.finditer(text)
    }


def python_components() -> Iterator[Component]:
    """Yields the Python packages: needed by the product, optional (`motion`), or only for building."""
    run, motion, build = pins("run"), pins("motion"), pins("build")
    for name in sorted(run | motion | build):
        version, hashes = run.get(name) or motion.get(name) or build[name]
        scope = "required" if name in run else "optional" if name in motion else "excluded"
        purl = f"pkg:pypi/{name}@{version}"
        component: Component = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "scope": scope,
            "purl": purl,
            # One hash for each file of this version; an installation uses one of these files.
            "externalReferences": [
                {
                    "type": "distribution",
                    "url": f"https://pypi.org/project/{name}/{version}/",
                    "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(hashes)],
                }
            ],
        }
        if licences := python_licences(name):
            component["licenses"] = licences
        yield component


def python_licences(name: str) -> list[dict[str, Any]]:
    """Returns the licence that an installed package states; none if it is not installed or states none."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return []
    if expression := metadata.get("License-Expression"):
        return [{"expression": expression}]
    stated = (metadata.get("License") or "").strip()
    if stated and "\n" not in stated and len(stated) < 80:
        return [{"license": {"name": stated}}]
    classifiers = metadata.get_all("Classifier") or []
    names = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License :: ")]
    return [{"license": {"name": found}} for found in names]


def web_components() -> Iterator[Component]:
    """Yields the packages of the web client's lock. All of them only build or test it."""
    lock = json.loads((ROOT / "clients" / "web" / "package-lock.json").read_text())
    seen = set()
    for place, package in sorted(lock["packages"].items()):
        name = place.rpartition("node_modules/")[2]
        if not name:
            continue
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        if purl in seen:
            continue
        seen.add(purl)
        component: Component = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": package["version"],
            "scope": "excluded" if package.get("dev") or package.get("devOptional") else "required",
            "purl": purl,
        }
        algorithm, _, digest = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        if licence := package.get("license"):
            component["licenses"] = [{"expression": licence}]
        yield component


def debian_components() -> Iterator[Component]:
    """Yields the Debian packages of setup. Their versions are those of the host's Debian release."""
    text = (ROOT / "deploy" / "setup.sh").read_text()
    found = re.search(DEBIAN_LIST.format(name="run_packages"), text, re.M | re.S)
    assert found is not None, "deploy/setup.sh has no list run_packages"
    for name in sorted(found[1].split()):
        purl = f"pkg:deb/debian/{name}"
        yield {"type": "application", "bom-ref": purl, "name": name, "scope": "required", "purl": purl}


def bill_of_materials(epoch: int) -> dict[str, Any]:
    """Returns the whole document. `epoch` is its time, in seconds since 1970."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    source = (ROOT / "display_server" / "__init__.py").read_text()
    version = re.search(r'^__version__ = "([^"]+)"', source, re.M)
    assert version is not None, "display_server/__init__.py has no version"
    purl = f"pkg:pypi/{project['name']}@{version[1]}"
    components = [*python_components(), *web_components(), *debian_components()]
    identity = json.dumps(components, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, purl + identity)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": purl,
                "name": project["name"],
                "version": version[1],
                "purl": purl,
                "licenses": [{"expression": project["license"]}],
            },
        },
        "components": components,
        "dependencies": [
            {
                "ref": purl,
                "dependsOn": [part["bom-ref"] for part in components if part["scope"] != "excluded"],
            }
        ],
    }


def main() -> None:
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    document = bill_of_materials(int(os.environ.get("SOURCE_DATE_EPOCH", "315532800")))
    out.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"{out}: {len(document['components'])} components")


if __name__ == "__main__":
    main()
