"""A trainer that waits, with nothing to load; given a run, it is the stub trainer.

python tests/stubs/waiter.py [--fail | --slow] [OPTIONS OF THE STUB TRAINER]
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from pathlib import Path

from kflab.train import waiting

TRAINER = Path(__file__).with_name("trainer.py")


def fail() -> None:
    raise ImportError("no such backend")


def main() -> None:
    options = sys.argv[1:]
    sys.stderr.write("printed while it was loaded\n")
    loads = {"--fail": fail, "--slow": threading.Event().wait}
    load = loads.get(options[0] if options else "", lambda: None)
    if options and options[0] in loads:
        del options[0]
    waiting._load = load
    os.umask(0o077)
    run_dir = waiting.wait()
    if run_dir is None:
        os._exit(0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    sys.stdout.write(f"in {Path.cwd()}, sees {visible}, reads {sys.stdin.read()!r}\n")
    sys.argv = [str(TRAINER), *options, str(run_dir)]
    runpy.run_path(str(TRAINER), run_name="__main__")


if __name__ == "__main__":
    main()
