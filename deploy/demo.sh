#!/usr/bin/env bash
# Starts the demo of the source tree. Containers of desktops need root, so a user with sudo starts it as root.
#   deploy/demo.sh [OPTION…]    the options of `lightbox demo`
set -euo pipefail
cd "$(dirname "$0")/.."
command=("$PWD/.venv/bin/lightbox" demo "$@")

# Whoever does without isolation needs no root, and without sudo Lightbox itself says what to do.
case " ${LIGHTBOX_ISOLATION_ENABLED:-true} $* " in
  *" false "* | *" --no-isolation "* | *" --help "*) exec "${command[@]}" ;;
esac
if [ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null; then exec "${command[@]}"; fi

echo 'demo: containers of desktops need root, so sudo starts Lightbox. Without: make demo ARGS=--no-isolation' >&2
mapfile -t variables < <(env | grep '^LIGHTBOX_[A-Z_]*=' || true)
# Root must not leave compiled files in a tree of somebody else.
exec sudo env PYTHONDONTWRITEBYTECODE=1 "${variables[@]}" "${command[@]}"
