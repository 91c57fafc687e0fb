"""Prints the merged page of an app: fetch.py ORG/SPACE/APP, configured by PROMFETCH_* of the environment."""

import sys

import promfetch


def main() -> None:
    try:
        with promfetch.Client() as client:
            client.wait_ready(10)
            page = client.fetch(sys.argv[1], timeout=10)
    except promfetch.Error as error:
        sys.exit(f"{error.name}: {error}")
    for failure in page.failures:
        print(f"{failure.name}: {failure}", file=sys.stderr)
    sys.stdout.buffer.write(page.view)


main()
