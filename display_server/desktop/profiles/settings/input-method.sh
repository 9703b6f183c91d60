#!/bin/sh
# Hangul on the desktop itself, for keyboards with 한/영 and 한자 keys: ibus, which starts with Latin letters until 한/영 is pressed.
# The list of Hanja is our own, run by the interpreter in $1: Debian 12's ibus-ui-gtk3 crashes in Pango at its first list.
# It stands beside ibus, so that its end takes no key with it.
# The engine has to be chosen once the daemon answers; whoever starts this script starts it again if the daemon ends.
set -eu
# Settings in a file of the home: no daemon of dconf, and what a person changes stays.
export GSETTINGS_BACKEND=keyfile
ibus-daemon --xim --panel=disable --emoji-extension=disable --config=/usr/libexec/ibus-memconf \
  "--address=unix:tmpdir=$XDG_RUNTIME_DIR" &
daemon=$!
trap 'kill "$daemon"' TERM INT
until ibus engine hangul >/dev/null 2>&1; do
  kill -0 "$daemon"
  sleep 0.2
done
address=$(ibus address)
pause=1
while kill -0 "$daemon" 2>/dev/null; do
  "$1" -P -m display_server.desktop.input_method "$address" || sleep "$pause"
  [ "$pause" -ge 32 ] || pause=$((pause * 2))
done &
wait "$daemon"
