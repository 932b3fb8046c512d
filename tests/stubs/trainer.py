"""A trainer without Keras: writes the events of a believable run at a given pace.

    python tests/stubs/trainer.py [OPTIONS] RUN_DIR

It keeps the run folder's rules as the real one does: it holds the lock, records its process, heeds
control.jsonl and SIGTERM, and can fail or die on request.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from pathlib import Path

from kflab.runs.control import Evaluate, GoOn, Pause, SetEpochs, SetRate, Stop, kind_of
from kflab.runs.events import Batch, End, Epoch, Evaluated, Finished, Loading, Prepared, Started, Steered
from kflab.runs.info import EVENTS, amend_info
from kflab.runs.lines import LineWriter
from kflab.runs.lock import AlreadyTrainingError, hold
from kflab.runs.process import identify
from kflab.runs.requests import NoRequest, Requests


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--pace", type=float, default=0.01, help="seconds a step takes")
    parser.add_argument("--metrics", default="accuracy", help="names with commas between")
    parser.add_argument("--no-validation", action="store_true")
    parser.add_argument("--start", type=float, default=0.0, help="seconds before the first step")
    parser.add_argument("--die-at", type=int, default=0, help="the epoch in which it kills itself")
    parser.add_argument("--fail-at", type=int, default=0, help="the epoch in which it fails")
    parser.add_argument("--cause", default="the loss became NaN")
    parser.add_argument("--deaf", action="store_true", help="do not heed requests to stop")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _logs(x: float, metrics: list[str], prefix: str = "", worse: float = 0.0) -> dict[str, float | None]:
    fall = math.exp(-0.8 * x)
    logs: dict[str, float | None] = {f"{prefix}loss": 0.05 + 2.2 * fall + worse}
    logs.update({f"{prefix}{name}": 0.98 - 0.88 * fall - worse for name in metrics})
    return logs


class Stub:
    """One run of the stub."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.asked = arguments
        self.metrics = [name for name in arguments.metrics.split(",") if name]
        self.events = LineWriter(arguments.run_dir / EVENTS)
        self.requests = Requests(arguments.run_dir)
        self.stopping = self.paused = False
        self.rate, self.epochs, self.at = 0.001, arguments.epochs, (0, 0)

    def run(self) -> int:
        start = time.time()
        self.events.write(Started(time=start, pid=os.getpid()))
        _say("stub trainer at work")
        self.events.write(Loading(time=time.time(), source="stub"))
        self._wait(self.asked.start)
        self.events.write(
            Prepared(
                time=time.time(),
                epochs=self.asked.epochs,
                steps=self.asked.steps,
                batch_size=32,
                train_samples=32 * self.asked.steps,
                validation_samples=32,
                test_samples=32,
                params=1234,
                outputs=("output",),
            )
        )
        done = 0
        while done < self.epochs:
            epoch = done + 1
            if self.asked.fail_at == epoch:
                _say("Traceback (most recent call last):\n  the stub was told to")
                self.events.write(
                    Finished(
                        time=time.time(),
                        status=End.FAILED,
                        cause=self.asked.cause,
                        epochs=done,
                        seconds=time.time() - start,
                    )
                )
                return 1
            if not self._epoch(epoch):
                break
            done = epoch
        test = _logs(done, self.metrics, worse=0.02)
        self.events.write(Evaluated(time=time.time(), logs=test))
        status = End.STOPPED if self.stopping else End.DONE
        self.events.write(
            Finished(
                time=time.time(),
                status=status,
                test=test,
                seconds=time.time() - start,
                epochs=done,
                cause="stopped on request" if self.stopping else "",
            )
        )
        return 0

    def _epoch(self, epoch: int) -> bool:
        start = written = time.time()
        for step in range(1, self.asked.steps + 1):
            if self._stop_asked():
                return False
            self._wait(self.asked.pace)
            self.at = (epoch - 1, step)
            if self.asked.die_at == epoch and step > self.asked.steps // 2:
                os.kill(os.getpid(), signal.SIGKILL)
            if time.time() - written >= 0.1 or step == 1:
                written = time.time()
                logs = _logs(epoch - 1 + step / self.asked.steps, self.metrics)
                self.events.write(
                    Batch(
                        time=written,
                        epoch=epoch,
                        step=step,
                        steps=self.asked.steps,
                        logs=logs,
                        learning_rate=self.rate,
                    )
                )
        logs = _logs(epoch, self.metrics)
        if not self.asked.no_validation:
            logs.update(_logs(epoch, self.metrics, "val_", worse=0.03))
        self.events.write(
            Epoch(
                time=time.time(), epoch=epoch, seconds=time.time() - start, logs=logs, learning_rate=self.rate
            )
        )
        return True

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while ((left := end - time.monotonic()) > 0 or self.paused) and not self._stop_asked():
            time.sleep(min(max(left, 0.01), 0.05))

    def _stop_asked(self) -> bool:
        if not self.asked.deaf:
            self.stopping = self.stopping or self.requests.stop_asked()
            self._answer()
        return self.stopping

    def _answer(self) -> None:
        for request in self.requests.take():
            if isinstance(request, NoRequest):
                continue
            before, value, logs, refused = None, None, {}, ""
            match request:
                case Pause():
                    self.paused = True
                case Stop():
                    self.paused = False
                case GoOn() if self.paused:
                    self.paused = False
                case GoOn():
                    refused = "it is not paused"
                case SetRate():
                    before, self.rate = self.rate, request.value or self.rate * (request.factor or 1)
                    value = self.rate
                case SetEpochs():
                    before, self.epochs = self.epochs, request.total or self.epochs + (request.more or 0)
                    value = self.epochs
                case Evaluate():
                    logs = _logs(self.at[0] + self.at[1] / self.asked.steps, self.metrics)
            kind = kind_of(request)
            self.events.write(
                Steered(
                    time.time(),
                    kind,
                    *self.at,
                    text=f"{kind} was done",
                    value=value,
                    before=before,
                    logs=logs,
                    refused=refused,
                    id=request.id,
                )
            )


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hold(arguments.run_dir):
            amend_info(arguments.run_dir, process=identify())
            stub = Stub(arguments)
            signal.signal(signal.SIGTERM, lambda *_: setattr(stub, "stopping", True))
            return stub.run()
    except AlreadyTrainingError as error:
        _say(f"error: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
