"""Issues the server's certificate and ends: `python -m display_server.authority FOLDER NAME…`.

The server starts this program when it needs a certificate, so that the process which talks to the network
never loads the authority's key. Problems are written to standard error, and the exit code is then 2.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from pathlib import Path

from display_server.authority.issue import issue
from display_server.errors import ConfigurationError
from display_server.telemetry.logs import configure_logs


def main() -> int:
    parser = argparse.ArgumentParser(prog="display_server.authority", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the certificate and of the authority")
    parser.add_argument("names", nargs="+", help="host names and addresses of the server")
    arguments = parser.parse_args()
    os.umask(0o077)
    configure_logs("authority")
    try:
        issue(arguments.folder, arguments.names, datetime.datetime.now(datetime.UTC))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
