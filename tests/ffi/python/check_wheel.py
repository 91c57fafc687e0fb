#!/usr/bin/env python3
"""Does what somebody does who has nothing but Python and a wheel: check_wheel.py --library PATH [--app SELECTOR] [--all]

Builds a wheel that carries the library (with the hatchling of the Python that runs this), installs it alone into a
fresh virtual environment, and runs the examples there. They find the app (demo/dev/hello by default) as PROMFETCH_* of
the environment says: `promfetch demo` must be running. With --all the package's own tests run there too. Ends with 0
when everything worked.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "ffi" / "python"
EXAMPLES = REPOSITORY / "ffi" / "examples" / "python"


def main() -> None:
    """Goes through it step by step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--app", default="demo/dev/hello")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    # Neither the sources nor a library beside the wheel may be of help.
    hidden = ("PYTHONPATH", "PROMFETCH_LIBRARY", "LD_LIBRARY_PATH")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}

    def run(*command: object) -> str:
        words = [str(word) for word in command]
        ended = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, cwd=folder, check=False)
        if ended.returncode != 0:
            sys.exit(f"{' '.join(words)}: ended with {ended.returncode}\n{ended.stdout}")
        return ended.stdout

    with tempfile.TemporaryDirectory() as folder:
        wheel = run(
            sys.executable, PACKAGE / "build_wheel.py", "--library", arguments.library.resolve(), "--out", folder
        )
        run(sys.executable, "-m", "venv", "venv")
        python = Path(folder, "venv", "bin", "python")
        run(python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel.strip())
        for name, needle in (
            ("fetch.py", "promfetch_up{"),
            ("stream.py", "# EOF"),
            ("discover.py", "'app_name': "),
        ):
            printed = run(python, EXAMPLES / name, arguments.app)
            if needle not in printed:
                sys.exit(f"{name} does not print {needle}:\n{printed}")
            Path(folder, name).with_suffix(".txt").write_text(printed)
        merged = run(python, EXAMPLES / "merge.py", "fetch.txt", "fetch.txt")
        if 'file="fetch.txt"' not in merged:
            sys.exit(f"merge.py has added no label:\n{merged}")
        if arguments.all:
            run(
                python,
                "-m",
                "unittest",
                "discover",
                "--quiet",
                "--start-directory",
                PACKAGE / "tests",
                "--top-level-directory",
                PACKAGE,
            )
        print(Path(folder, "fetch.txt").read_text(), end="")


main()
