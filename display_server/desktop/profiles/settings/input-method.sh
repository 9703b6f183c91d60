#!/bin/sh
# Hangul on the desktop itself, for keyboards with 한/영 and 한자 keys: ibus, which starts with Latin letters until 한/영 is pressed.
# Its panel shows the candidates of 한자 at the caret, and by its settings nothing else: no tray icon, one engine, no keys of its own.
# The engine has to be chosen once the daemon answers; whoever starts this script starts it again if the daemon ends.
set -eu
# Settings in a file of the home: no daemon of dconf, and what a person changes stays.
export GSETTINGS_BACKEND=keyfile
settings="${XDG_CONFIG_HOME:-$HOME/.config}/glib-2.0/settings/keyfile"
grep -qsF '[desktop/ibus/panel]' "$settings" || cat "$(dirname "$0")/ibus-panel.keyfile" >>"$settings"
ibus-daemon --xim --panel=/usr/libexec/ibus-ui-gtk3 --emoji-extension=disable --config=/usr/libexec/ibus-memconf \
  "--address=unix:tmpdir=$XDG_RUNTIME_DIR" &
daemon=$!
trap 'kill "$daemon"' TERM INT
until ibus engine hangul >/dev/null 2>&1; do
  kill -0 "$daemon"
  sleep 0.2
done
wait "$daemon"
