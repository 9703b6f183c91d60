#!/bin/sh
# Starts the desktop's own input method, for keyboards with 한/영 and 한자 keys: ibus with ibus-hangul. It types Latin letters until
# 한/영 is pressed.
# $1 is the Python interpreter that runs Lightbox's candidate window. That window replaces ibus-ui-gtk3, which in Debian 12 crashes in
# Pango when it shows its first list. It is a process of its own, so that ibus loses no key when the window ends.
# The supervisor restarts this script when the daemon ends.
set -eu
# GSettings are stored in a file of the home: no dconf daemon is needed, and changes by the person persist.
export GSETTINGS_BACKEND=keyfile
ibus-daemon --xim --panel=disable --emoji-extension=disable --config=/usr/libexec/ibus-memconf \
  "--address=unix:tmpdir=$XDG_RUNTIME_DIR" &
daemon=$!
trap 'kill "$daemon"' TERM INT
# The engine can be selected only after the daemon answers.
until ibus engine hangul >/dev/null 2>&1; do
  kill -0 "$daemon"
  sleep 0.2
done
address=$(ibus address)
# Restarts the candidate window with a delay that doubles from 1 s to 32 s.
backoff=1
while kill -0 "$daemon" 2>/dev/null; do
  "$1" -P -m display_server.desktop.input_method "$address" || sleep "$backoff"
  [ "$backoff" -ge 32 ] || backoff=$((backoff * 2))
done &
wait "$daemon"
