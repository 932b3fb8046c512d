"""The engine as a process of its own: every line gets an answer, and nothing but answers leaves by stdout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from kflab.engine.client import EngineClient, EngineError
from kflab.engine.protocol import Hello, Inspect, Inspected, Refused, Reply, Summarize, Summarized
from kflab.engine.serve import Handlers, serve
from kflab.values import Value

ENGINE = (sys.executable, "-m", "kflab.engine")
DOCUMENT: dict[str, Value] = {
    "kflab": 1,
    "data": {"source": "digits"},
    "model": {
        "nodes": {
            "image": {"Input": {"shape": [8, 8, 1]}},
            "flat": {"Flatten": {}, "from": "image"},
            "digit": {"Dense": {"units": 10}, "from": "flat"},
        },
        "outputs": ["digit"],
    },
}


def with_units(units: Value) -> dict[str, Value]:
    text = msgspec.json.encode(DOCUMENT).replace(b'"units":10', b'"units":' + msgspec.json.encode(units))
    return msgspec.json.decode(text)


def talk(
    lines: list[bytes], command: tuple[str, ...] = ENGINE, environment: Mapping[str, str] | None = None
) -> tuple[int, list[Reply], str]:
    """Everything that an engine says when it is told all at once, before Keras is there."""
    done = subprocess.run(
        command,
        input=b"".join(line + b"\n" for line in lines),
        capture_output=True,
        timeout=200,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    replies = [msgspec.json.decode(line, type=Reply) for line in done.stdout.splitlines()]
    return done.returncode, replies, done.stderr.decode()


def test_requests_queue_while_keras_loads_and_garbage_is_refused() -> None:
    encode = msgspec.json.encode
    lines = [
        encode(Inspect(1, DOCUMENT)),
        b"\xff\x00 not a message",
        b'{"type": "inspect", "id": 7}',
        b"",
        encode(Inspect(2, with_units("many"))),
        encode(Summarize(3, DOCUMENT, width=70)),
        encode(Summarize(4, DOCUMENT, graph="encoder")),
        encode(Summarize(5, with_units(0))),
        encode(Inspect(6, {"kflab": 1})),
    ]
    status, replies, _ = talk(lines)
    assert status == 0
    hello, first, garbage, incomplete, wrong, summary, unknown, failed, empty = replies
    assert isinstance(hello, Hello)
    assert hello.backend == "tensorflow"
    assert hello.devices[0] == "cpu"
    assert isinstance(first, Inspected)
    assert (first.id, first.report.model.totals.total) == (1, 650)
    assert isinstance(garbage, Refused)
    assert garbage.id == 0
    assert isinstance(incomplete, Refused)
    assert incomplete.id == 7
    assert "document" in incomplete.reason
    assert isinstance(wrong, Refused)
    assert wrong.id == 2
    assert "units" in wrong.reason
    assert isinstance(summary, Summarized)
    assert "Total params: 650" in summary.text
    assert isinstance(unknown, Refused)
    assert "encoder" in unknown.reason
    assert isinstance(failed, Summarized)
    assert [finding.node for finding in failed.findings] == ["digit"]
    assert isinstance(empty, Refused)
    assert "\n" not in "".join(reply.reason for reply in replies if isinstance(reply, Refused))


def test_what_is_printed_goes_to_stderr_native_output_too() -> None:
    noisy = (
        "import os\n"
        "from kflab.engine import devices, serve\n"
        "quiet = devices.prepare\n"
        "def prepare():\n"
        "    os.write(1, b'from native code\\n')\n"
        "    print('from Python')\n"
        "    quiet()\n"
        "devices.prepare = prepare\n"
        "raise SystemExit(serve.main())\n"
    )
    status, replies, stderr = talk([msgspec.json.encode(Inspect(1, DOCUMENT))], (sys.executable, "-c", noisy))
    assert status == 0
    assert [type(reply) for reply in replies] == [Hello, Inspected]
    assert "from native code" in stderr
    assert "from Python" in stderr


def test_a_backend_that_is_not_there_is_said_in_one_line() -> None:
    status, replies, stderr = talk([], environment={"KERAS_BACKEND": "abacus"})
    assert status == 1
    (refused,) = replies
    assert isinstance(refused, Refused)
    assert refused.id == 0
    assert "abacus" in refused.reason
    assert "\n" not in refused.reason
    assert "Traceback" in stderr


async def test_the_client_and_the_engine_understand_each_other(tmp_path: Path) -> None:
    client = EngineClient(tmp_path / "engine.log")
    client.start()
    try:
        report = await client.inspect(DOCUMENT)
        assert report.model.nodes["digit"].outputs[0].shape == (None, 10)
        assert [finding.node for finding in (await client.inspect(with_units(0))).findings] == ["digit"]
        with pytest.raises(EngineError, match="units"):
            await client.inspect(with_units("many"))
        assert 'Model: "model"' in (await client.summarize(DOCUMENT, 80)).text
    finally:
        await client.close()


def test_a_failure_of_one_request_is_not_the_end() -> None:
    def fail(request: Inspect) -> Inspected:
        raise ZeroDivisionError("a bug")

    sent: list[Reply] = []
    lines: Iterator[bytes] = iter([msgspec.json.encode(Inspect(number, {})) for number in (1, 2)])
    serve(lines, sent.append, Handlers(fail, lambda request: Summarized(request.id), fail))
    assert [(reply.id, "a bug" in reply.reason) for reply in sent if isinstance(reply, Refused)] == [
        (1, True),
        (2, True),
    ]
