"""What holds for every test: nothing of the developer's own home is read or written."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="kflab-tests-"))
for _variable in ("KFLAB_CONFIG_DIR", "KFLAB_CACHE_DIR", "KFLAB_STATE_DIR", "KFLAB_RUNS_DIR"):
    os.environ[_variable] = str(_HOME / _variable.lower())
# A lab starts no trainer that nobody has asked for.
_SETTINGS = Path(os.environ["KFLAB_CONFIG_DIR"]) / "settings.yaml"
_SETTINGS.parent.mkdir()
_SETTINGS.write_text("warm_trainer: false\n")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A shell that starts the tests in the background has them ignore Ctrl+C, and with them all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A test machine may have a GPU: what is tested here must not depend on it.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for runs, for this test alone."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("KFLAB_RUNS_DIR", str(folder))
    return folder


@pytest.fixture
def stub_keeper(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Has whoever starts runs, keepers of the queue too, start the stub trainer, with options.

    What is left of both ends with the test.
    """
    from kflab.runs import launch, queue_keeper, queueing
    from kflab.runs.control import kill
    from kflab.runs.listing import list_runs

    stubs = Path(__file__).parent / "stubs"

    def use(options: str) -> None:
        (runs_dir / "stub-options").write_text(options)
        monkeypatch.setattr(queue_keeper, "KEEPER", (sys.executable, str(stubs / "keeper.py")))
        trainer = (sys.executable, str(stubs / "trainer.py"), *options.split())
        monkeypatch.setattr(launch, "TRAINER", trainer)

    yield use
    queueing.hold(runs_dir)
    for run in list_runs(runs_dir):
        if run.status.is_alive:
            kill(Path(run.path))
