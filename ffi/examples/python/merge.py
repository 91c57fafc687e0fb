"""Merges files with metrics to one page, where each sample tells its file: merge.py FILE…"""

import sys
from pathlib import Path

import promfetch


def main() -> None:
    with promfetch.Merge() as merge:
        for name in sys.argv[1:]:
            try:
                merge.add(Path(name).read_bytes(), {"file": name})
            except (OSError, promfetch.Error) as error:
                sys.exit(f"{name}: {error}")
        sys.stdout.buffer.write(merge.finish().view)


main()
