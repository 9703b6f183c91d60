#!/bin/sh
# Gives Lightbox a certificate that certbot or lego has renewed, and reloads the server. No connection is dropped.
#   certbot: certbot certonly … --deploy-hook /path/to/deploy-hook.sh, which renewals then use as well
#   lego:    lego … renew --renew-hook /path/to/deploy-hook.sh
# docs/certificates.md explains it.
set -eu

folder=${TLS_FOLDER:-/etc/lightbox/tls}
group=${TLS_GROUP:-lightbox}
lightbox=$(command -v lightbox || echo /opt/lightbox/bin/lightbox)  # timers have a short PATH
reload=${RELOAD_COMMAND:-$lightbox reload}

if [ -n "${RENEWED_LINEAGE:-}" ]; then  # set by certbot
  certificate=$RENEWED_LINEAGE/fullchain.pem
  key=$RENEWED_LINEAGE/privkey.pem
elif [ -n "${LEGO_CERT_PATH:-}" ]; then  # set by lego, whose file contains the intermediate certificates
  certificate=$LEGO_CERT_PATH
  key=$LEGO_CERT_KEY_PATH
else
  echo "deploy-hook: neither RENEWED_LINEAGE nor LEGO_CERT_PATH is set; certbot or lego must call this" >&2
  exit 2
fi

# A reader sees the old or the new file, never half of one. The server checks that both belong together.
umask 077
replace() {
  install -m 640 -g "$group" "$1" "$folder/.$2.new"
  mv -f "$folder/.$2.new" "$folder/$2"
}
install -d -m 750 -g "$group" "$folder"
replace "$key" key.pem
replace "$certificate" fullchain.pem

$reload
