"""The cases of `tests.bench.fuzzing`: files damaged by a seed, and what kflab makes of them, one a line."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
import re
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from PIL import Image

from kflab import document, presets
from kflab.catalog.datasets import describe
from kflab.code import script
from kflab.data.profile import profile
from kflab.diagnose.check import check
from kflab.engine.inspect import Inspector
from kflab.errors import KflabError
from kflab.experiment import Data, Experiment
from kflab.graph.layout import lay_out

CANARY = "canary"
"""The file that is there as soon as anything that came with a case was run."""

PIECES = (
    *("null", "true", "-1", "0", "1e999", "9" * 30, "[]", "{}", "''", "&x ", "*x", "!!int ", "<<"),
    *("\t", "\n", "\x00", "\u2028", "~", "nan", ".inf", *"'\"{}[]:,#|>", "- ", "? ", "a: b"),
    *("from", "share", "model", "nodes", "Dense", "Input", "ops.add", "Lambda"),
    *("../..", "/dev/zero", "/dev/stdin", "prepare: {x: [Normalization]}", "ignore: [KF001]"),
    *("class_weight: balanced", "split: time", "!!python/name:os.system"),
    "!!python/object/apply:os.system [touch canary]",
)
"""What is put into a text."""

WORDS = (
    *("0", "-1", "1", "7", "0.5", "-0.1", "1000000", "3.5e38", "null", "true", "[1, -1]", "[]", "{}"),
    *("same", "softmax", "LSTM", "Conv2D", "Add", "Dropout", "Reshape", "mse", "time", "float16", "int32"),
    *("Normalization", "StringLookup", "pad_sequences", "to_categorical", "balanced", "iris", "tickets"),
)
"""What is put in the place of a number or a word."""

WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*|-?[0-9][0-9.e-]*")


class _Touch:
    """Touches the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {CANARY}",)


def damaged_text(text: str, rng: random.Random) -> str:
    """A text with a few places cut, doubled, exchanged or written over."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice((0, 1, 3, 12, 40)))
        match rng.randrange(4):
            case 0:
                text = text[:start] + rng.choice(PIECES) + text[end:]
            case 1:
                text = text[:end] + text[start:]
            case 2:
                lines = text.split("\n")
                one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case _:
                text = text[:start] + text[end:]
    return text


def exchanged_words(text: str, rng: random.Random) -> str:
    """A text with a few numbers and words in place of others, so that it still reads as a document."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(WORD.finditer(text))
        if not places:
            break
        place = rng.choice(places)
        alike = [
            other.group() for other in places if other.group()[0].isalpha() == place.group()[0].isalpha()
        ]
        new = rng.choice((rng.choice(alike), rng.choice(alike), rng.choice(WORDS)))
        text = text[: place.start()] + new + text[place.end() :]
    return text


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Bytes with a few places written over, cut or doubled; now and then only the beginning, or nothing."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 10))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 2, 8, 64)))
        match rng.randrange(6):
            case 0:
                del data[start:]
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = rng.choice(PIECES).encode()
            case 3:
                data[start:start] = data[start:end]
            case _:
                data[start:end] = rng.randbytes(end - start)
    return bytes(data)


def damaged_document(rng: random.Random, folder: Path) -> None:
    """A preset or a document of a mistake, damaged, and what the command line and the lab do with it."""
    mistakes = sorted((Path(__file__).parents[1] / "mistakes").glob("*.yaml"))
    files = [*(presets.path(name) for name in presets.names()), *mistakes]
    damage = exchanged_words if rng.random() < 0.7 else damaged_text
    text = damage(document.text_of(rng.choice(files)), rng)
    (folder / "document.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    _use(document.read_text(text, "document.yaml"), folder)


def _use(experiment: Experiment, folder: Path) -> None:
    assert document.read_text(document.dump(experiment)) == experiment
    for graph in (experiment.model, *experiment.models.values()):
        assert len(lay_out(graph)) == len(graph.nodes)
    report = _INSPECTOR.inspect(experiment)
    info, seen = None, None
    try:
        info = describe(experiment.data, folder)
        seen = profile(experiment, folder, most_seconds=1)
    except KflabError:
        pass
    check(experiment, info, report, folder, seen)
    with contextlib.suppress(KflabError):
        script(experiment, folder)


_INSPECTOR = Inspector()


def _table(rng: random.Random) -> pyarrow.Table:
    rows = rng.choice((0, 1, 7, 60))
    return pyarrow.table(
        {
            "area": [rng.uniform(1, 99) if rng.random() < 0.95 else None for _ in range(rows)],
            "rooms": [rng.randrange(9) for _ in range(rows)],
            "kind": [rng.choice(["flat", "house", "ça va", ""]) for _ in range(rows)],
            "text": ["a few words " * rng.randrange(4) for _ in range(rows)],
            "price": [rng.uniform(1e3, 1e6) for _ in range(rows)],
        }
    )


def _csv(rng: random.Random, path: Path) -> Path:
    file = path / rng.choice(("table.csv", "table.tsv"))
    options = pyarrow.csv.WriteOptions(delimiter="\t" if file.suffix == ".tsv" else ",")
    pyarrow.csv.write_csv(_table(rng), file, options)
    return file


def _parquet(rng: random.Random, path: Path) -> Path:
    pyarrow.parquet.write_table(_table(rng), path / "table.parquet")
    return path / "table.parquet"


def _jsonl(rng: random.Random, path: Path) -> Path:
    rows = [{**row, "list": [1.0, 2.0][: rng.choice((2, 2, 1))]} for row in _table(rng).to_pylist()]
    (path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return path / "rows.jsonl"


def _npz(rng: random.Random, path: Path) -> Path:
    arrays: dict[str, np.ndarray] = {
        "x": np.random.default_rng(rng.randrange(99)).normal(size=(20, 3)),
        "y": np.arange(20) % 3,
    }
    if rng.random() < 0.2:
        arrays[rng.choice(("x", "y", "z"))] = np.array([_Touch()] * 20, dtype=object)
    np.savez(path / "arrays.npz", allow_pickle=True, **arrays)
    return path / "arrays.npz"


def _npy(rng: random.Random, path: Path) -> Path:
    np.save(path / "x.npy", np.ones((9, 2), dtype="float32"))
    np.save(path / "y.npy", np.arange(9) % 2)
    if rng.random() < 0.2:
        (path / "y.npy").write_bytes(pickle.dumps(_Touch()))
    return path


def _images(rng: random.Random, path: Path) -> Path:
    for label in ("cat", "dog"):
        (path / label).mkdir(parents=True)
        for index in range(3):
            size = (8, 8) if rng.random() < 0.8 else (5, 9)
            ending = rng.choice(("png", "jpg", "gif", "bmp", "webp"))
            mode = rng.choice(("RGB", "L"))
            Image.new(mode, size, 7).save(path / label / f"{index}.{ending}")
    return path


def _texts(rng: random.Random, path: Path) -> Path:
    for label in ("neg", "pos"):
        (path / label).mkdir(parents=True)
        for index in range(3):
            (path / label / f"{index}.txt").write_text("words " * rng.randrange(5))
    return path


MAKERS = (_csv, _parquet, _jsonl, _npz, _npy, _images, _texts)


def damaged_data(rng: random.Random, folder: Path) -> None:
    """Data of each kind, one file of it damaged, looked at and read."""
    source = rng.choice(MAKERS)(rng, folder)
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    broken = rng.choice(files)
    content = broken.read_bytes()
    if rng.random() < 0.9:
        is_text = broken.suffix in {".csv", ".tsv", ".jsonl", ".txt"} and rng.random() < 0.7
        content = (
            damaged_text(content.decode(), rng).encode(errors="replace")
            if is_text
            else damaged_bytes(content, rng)
        )
        broken.write_bytes(content)
    data = Data(source=str(source))
    describe(data)
    profile(data, most_seconds=1)


CASES: dict[str, Callable[[random.Random, Path], None]] = {
    "document": damaged_document,
    "data": damaged_data,
}


def run(case: int, seed: int, folder: Path) -> dict[str, object]:
    """One case: what kind it is, how it ended, and what was wrong with that."""
    rng = random.Random(f"{seed}-{case}")
    name = "document" if case % 2 else "data"
    made = folder / "case"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    fault, ending = "", "used"
    try:
        CASES[name](rng, made)
    except KflabError as error:
        ending = "refused"
        if "\n" in str(error) or "Traceback" in str(error):
            fault = f"an error of more than one line: {error}"
    except MemoryError:
        fault = "out of memory"
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        traceback.print_exc()
        fault = f"{type(error).__name__}: {str(error)[:300]}"
    if Path(CANARY).exists() or (made / CANARY).exists():
        Path(CANARY).unlink(missing_ok=True)
        fault = "ran what came with the file"
    return {"case": case, "kind": f"{name}, {'fault' if fault else ending}", "fault": fault}


def main() -> None:
    """Runs the cases of the command line: first, end, seed, folder, where the files of faults are kept."""
    first, end, seed = (int(word) for word in sys.argv[1:4])
    folder, keep = Path(sys.argv[4]), Path(sys.argv[5])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.chdir(folder)
    for case in range(first, end):
        answer = run(case, seed, folder)
        if answer["fault"]:
            shutil.copytree(folder / "case", keep / str(case), dirs_exist_ok=True)
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


if __name__ == "__main__":
    main()
