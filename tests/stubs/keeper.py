"""The keeper of a queue, with the stub trainer in place of the real one.

    python tests/stubs/keeper.py RUNS_DIR LOCK

The options of the trainer are in the file `stub-options` of the runs folder.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from kflab.runs import launch, queue_keeper

if __name__ == "__main__":
    runs_dir, _ = arguments = sys.argv[1:]
    options = shlex.split((Path(runs_dir) / "stub-options").read_text())
    launch.TRAINER = (sys.executable, str(Path(__file__).with_name("trainer.py")), *options)
    queue_keeper.LOOK_SECONDS = 0.05
    sys.exit(queue_keeper.main(arguments))
