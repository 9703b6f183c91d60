#!/usr/bin/env bash
# Writes deploy/locks anew: the newest versions that pyproject.toml allows, with the hashes of their files.
#   run.txt     the product             motion.txt  the product with its extra `motion`
#   build.txt   what builds it          dev.txt     all of these, tests and benchmarks
#   audit.txt   what `make audit` uses, which nothing else needs
# `deploy/lock.sh PACKAGE…` moves only these packages to their newest versions.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=.cache/lock
python=$(command -v .venv/bin/python || command -v python3)
[ -x "$tool/bin/python" ] || "$python" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
export UV_PYTHON_DOWNLOADS=never
# uv reads no configuration of pip, so it is given the same package index.
index=$("$tool/bin/python" -m pip config get global.index-url 2>/dev/null || true)
index=${PIP_INDEX_URL:-$index}
[ -z "$index" ] || export UV_DEFAULT_INDEX=$index

newest=(--upgrade)
if [ $# -gt 0 ]; then
  newest=()
  for package in "$@"; do newest+=(--upgrade-package "$package"); done
fi
compile() {
  local lock=deploy/locks/$1.txt
  shift
  "$tool/bin/uv" pip compile --quiet --python "$tool/bin/python" --python-version 3.11 --universal \
    --fork-strategy fewest --generate-hashes --no-annotate --custom-compile-command 'make lock' \
    "${newest[@]}" --output-file "$lock" "$@" >/dev/null
}

mkdir -p deploy/locks
# Each lock is made within the larger one before it, so that a package has the same version in all of them.
compile dev pyproject.toml --extra motion --group build --group bench --group dev
within=(--constraint deploy/locks/dev.txt)
compile motion pyproject.toml --extra motion "${within[@]}"
compile run pyproject.toml "${within[@]}"
compile build --group build "${within[@]}"
compile audit --group audit
