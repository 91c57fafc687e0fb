"""Lists an app's instances without asking them: discover.py ORG/SPACE/APP"""

import sys

import promfetch


def main() -> None:
    try:
        with promfetch.Client() as client:
            client.wait_ready(10)
            for target in client.discover(sys.argv[1]):
                print(target.url, target.labels)
    except promfetch.Error as error:
        sys.exit(f"{error.name}: {error}")


main()
