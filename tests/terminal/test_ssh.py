"""kflab inside of a real SSH session that is cut off in the middle of an epoch."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kflab.runs.control import SetEpochs, ask, kill
from kflab.runs.follow import Follow
from kflab.runs.info import read_info
from kflab.runs.listing import list_runs
from kflab.runs.status import Status, status

from .pseudo_terminal import KFLAB, PseudoTerminal

LONG = """\
kflab: 1
title: A long run
data: {source: digits}
model:
  nodes:
    image: {Input: {shape: [64]}}
    digit: {Dense: {units: 10, activation: softmax}, from: image}
  outputs: [digit]
training: {loss: SparseCategoricalCrossentropy, metrics: [accuracy], epochs: 100000}
"""

CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
SetEnv {environment}
"""

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SSHD is None, reason="sshd is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]


class Server:
    """An sshd of this test alone, on a port of the loopback.

    Args:
        folder: where its keys and its settings are.
        environment: what every session gets.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        for key in ("host_key", "user_key"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
            subprocess.run(command, check=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        values = " ".join(f'"{name}={value}"' for name, value in environment.items())
        settings = folder / "sshd_config"
        settings.write_text(CONFIGURATION.format(port=self.port, folder=folder, environment=values))
        if os.getuid() == 0:
            # Debian makes it when the service is started, and an sshd of root refuses to be without it.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        log = folder / "sshd.log"
        self.process = subprocess.Popen([str(SSHD), "-D", "-f", str(settings), "-E", str(log)])
        wait_until(self._answers, log.read_text)

    def _answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "sshd.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def log_in(self, size: tuple[int, int] = (120, 40)) -> PseudoTerminal:
        """A terminal with a shell on the other side."""
        options = [
            "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "-o", "StrictHostKeyChecking=accept-new",
            "-o", "LogLevel=ERROR",
        ]  # fmt: skip
        return PseudoTerminal(
            [
                *("ssh", "-tt", "-F", "none", "-i", str(self.folder / "user_key"), "-p", str(self.port)),
                *options,
                f"{getpass.getuser()}@127.0.0.1",
            ],
            size=size,
            environment={"SSH_AUTH_SOCK": ""},
        )

    def sessions(self) -> list[psutil.Process]:
        """The processes of sshd that serve somebody."""
        return [
            child for child in psutil.Process(self.process.pid).children(recursive=True) if is_sshd(child)
        ]

    def close(self) -> None:
        for session in self.sessions():
            with contextlib.suppress(psutil.NoSuchProcess):
                session.kill()
        self.process.kill()
        self.process.wait()


def is_sshd(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.name().startswith("sshd"))
    return False


def wait_until(told: Callable[[], object], else_say: Callable[[], str] = str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < deadline, f"it never came\n{else_say()}"
        time.sleep(0.02)


@pytest.fixture
def server(tmp_path: Path, runs_dir: Path) -> Iterator[Server]:
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    places = {name: value for name, value in os.environ.items() if name.startswith("KFLAB_")}
    made = Server(folder, {**places, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"})
    yield made
    made.close()
    for run in list_runs(runs_dir):
        kill(Path(run.path))


def labs_of(path: Path) -> list[psutil.Process]:
    """The processes of labs that are open on an experiment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if str(path) in command and any("kflab" in Path(word).name for word in command):
                found.append(process)
    return found


def test_a_run_outlives_a_connection_that_is_cut_and_the_next_login_watches_it(
    tmp_path: Path, runs_dir: Path, server: Server
) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(LONG)

    def open_lab(terminal: PseudoTerminal) -> None:
        terminal.wait_for(r"[$#%>] ?$")
        terminal.type(f"{KFLAB} {path}\r")

    with server.log_in() as terminal:
        open_lab(terminal)
        terminal.wait_for(r"650 params")
        terminal.press("t")
        terminal.wait_for(r"epoch \d+/100,000")
        # The client is gone without a word, as when a laptop is closed.
        terminal.hang_up(signal.SIGKILL)
        terminal.ended()
    (summary,) = list_runs(runs_dir)
    run_dir = Path(summary.path)
    wait_until(lambda: not labs_of(path))
    assert goes_on(run_dir)

    with server.log_in() as terminal:
        open_lab(terminal)
        terminal.wait_for(r"[Ww]atch")
        terminal.press("enter")
        terminal.wait_for(r"epoch \d+/100,000")
        terminal.wait_for(r"val_loss|loss .*train")
        # The other end of the connection dies: that of the server.
        for session in server.sessions():
            with contextlib.suppress(psutil.NoSuchProcess):
                session.kill()
        terminal.ended()
    wait_until(lambda: not labs_of(path))
    assert goes_on(run_dir)

    with server.log_in() as terminal:
        open_lab(terminal)
        terminal.wait_for(r"[Ww]atch")
        terminal.press("enter")
        terminal.wait_for(r"epoch \d+/100,000")
        # It finishes, and what was trained while nobody looked is there.
        ask(run_dir, SetEpochs(total=done(run_dir) + 2))
        screen = terminal.wait_for(r"Training ─ done")
        assert "loss" in screen
        terminal.press("q")
        wait_until(lambda: not labs_of(path))
        terminal.type("exit\r")
        assert terminal.ended() == 0
    assert status(run_dir) is Status.DONE
    follow = Follow(run_dir)
    while follow.poll():
        pass
    epochs = list(follow.state.curves["loss"].training.xs)
    assert epochs == list(range(1, follow.state.epochs_done + 1))
    assert (run_dir / "model.keras").is_file()


def done(run_dir: Path) -> int:
    follow = Follow(run_dir)
    while follow.poll():
        pass
    return follow.state.epochs_done


def goes_on(run_dir: Path) -> bool:
    """Waits until it has trained one more epoch."""
    process = read_info(run_dir).process
    assert process is not None
    before = done(run_dir)
    wait_until(lambda: done(run_dir) > before)
    return process.is_alive() and status(run_dir) is Status.RUNNING
