"""Prints the merged page of an app family by family, as OpenMetrics: stream.py ORG/SPACE/APP"""

import sys

import promfetch


def main() -> None:
    try:
        with promfetch.Client() as client:
            client.wait_ready(10)
            with client.stream(sys.argv[1], format="openmetrics", timeout=10) as families:
                for family in families:
                    sys.stdout.buffer.write(family)
    except promfetch.Error as error:
        sys.exit(f"{error.name}: {error}")


main()
