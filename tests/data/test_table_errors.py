"""What is wrong with a table is told with the file, the row and what to do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from kflab.catalog.datasets import describe
from kflab.data import sources
from kflab.data.readers import store, tables
from kflab.errors import KflabError, UnusableInputError
from kflab.experiment import Data


def refusal(data: Data) -> str:
    def use() -> None:
        sources.study(data)
        info = describe(data)
        sources.open_source(data, [*info.inputs, *info.targets])

    with pytest.raises(UnusableInputError) as caught:
        use()
    return str(caught.value)


def rows(count: int, *, start: int = 0) -> str:
    return "".join(f"{n}.5,{n % 2}\n" for n in range(start, start + count))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n  \n", "is empty"),
        ("a,b\n", "has a header and no rows"),
        ("a,b", "has a header and no rows"),
        ("1,2\n3,4\n", "its first row holds numbers; expected a header"),
        ("a,a\n1,2\n", "two columns called 'a'"),
        ("a\n1\n2\n", "has no column beside the targets"),
        ("a,b\n1,2\n3,4,5\n", "csv:3: has 3 values; expected 2"),
        ("a,b\n1,2\n\n3\n", "csv:4: has 1 values; expected 2"),
        ('a,b\n1,"x\n', "csv:2: unexpected end of data"),
        ("a,b\n1,\0\n", "csv:2: holds binary data"),
        ("a,b\n" + rows(20) + "x,1\n" + rows(3), "csv:22: row 21 of 'a' holds 'x'; expected a number"),
        ("a,b\n" + rows(9_999) + "1,2,3\n", "csv:10001: row 10,000 has 3 values; expected 2"),
        ("a,b\n" + rows(11_000) + "\n\noops,1\n", "csv:11004: row 11,001 of 'a' holds 'oops'"),
        ("a,b\ntrue,1\n" + "false,0\n" * 11_000 + "yes,1\n", "row 11,002 of 'a' holds 'yes'; expected true"),
        ("a,b\n" + "2026-01-01,0\n" * 11_000 + "soon,1\n", "row 11,001 of 'a' holds 'soon'; expected a date"),
    ],
)
def test_errors_of_csv_name_the_line(tmp_path: Path, text: str, told: str):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert told in refusal(Data(source=str(path)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("[1, 2]\n", "jsonl:1: expected a JSON object"),
        ('{"a": 1, "y": 1}\n{"a": \n', "jsonl:2: no JSON"),
        ('{"a": 1, "y": 1}\n' * 30 + '{"a": "x", "y": 1}\n', "jsonl:31: 'a' holds \"x\"; expected a number"),
        ('{"a": {"b": 1}, "y": 1}\n', "jsonl:1: 'a' holds an object"),
        ('{"a": [1, "x"], "y": 1}\n', "jsonl:1: 'a' holds [1, 'x']; expected a list of numbers"),
        ('{"a": [[1, 2], [3]], "y": 1}\n', "expected a list of numbers"),
        ('{"a": [1, 2], "y": 1}\n{"a": [[1], [2]], "y": 1}\n', "jsonl:2: 'a' has a list of shape [2, 1]"),
        ('{"a": 1, "y": 1}\n' * 30_000 + '{"b": 1, "y": 1}\n', "jsonl:30001: has the field 'b'"),
        ('{"a": ' + "[" * 100_000, "jsonl:1: no JSON"),
        ('{"a": 1' + "0" * 400 + ', "y": 1}\n', "t.jsonl"),
    ],
)
def test_errors_of_json_lines_name_the_line(tmp_path: Path, text: str, told: str):
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    assert told in refusal(Data(source=str(path)))


def test_errors_of_parquet(tmp_path: Path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 and no more")
    assert "no Parquet file, or a damaged one" in refusal(Data(source=str(path)))
    parquet.write_table(pa.table({"a": [{"b": 1}], "y": [1]}), path)
    assert "column 'a' holds struct<b: int64>" in refusal(Data(source=str(path)))
    parquet.write_table(pa.table({"a": pa.array([], pa.int64()), "y": pa.array([], pa.int64())}), path)
    assert "has no rows" in refusal(Data(source=str(path)))
    parquet.write_table(pa.table({"a": list(range(5000)), "y": [0.5] * 5000}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:50] + bytes(60) + whole[110:])
    assert "damaged" in refusal(Data(source=str(path)))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"target": "pricf"}, "there is no column 'pricf'; did you mean price"),
        ({"columns": ["age", "hight"]}, "there is no column 'hight'"),
        ({"drop": ["agee"]}, "did you mean age"),
        ({"types": {"agee": "number"}}, "did you mean age"),
        ({"types": {"age": "float"}}, "expected one of number, boolean"),
        ({"types": ["age"]}, "expected a mapping such as"),
        ({"missing": "median_"}, "expected one of error, drop"),
        ({"mising": "drop"}, "did you mean missing"),
        ({"target": 3}, "expected a name or a list of names"),
        ({"separator": ", "}, "expected a single character"),
        ({"separator": '"'}, "expected a single character"),
        ({"decimal": "1"}, "expected . or , for the decimal point"),
        ({"types": {"price": "text"}}, "'price' holds text of its own"),
        ({"encoding": "utf-9"}, "there is no encoding 'utf-9'"),
        ({"columns": ["age"], "target": ["age", "price"]}, "has no column beside the targets"),
    ],
)
def test_arguments_of_tables_are_checked(tmp_path: Path, arguments, told: str):
    path = tmp_path / "t.csv"
    path.write_text("age,price\n1,2.5\n2,3.5\n")
    assert told in refusal(Data(source=str(path), arguments=arguments))


def test_text_of_another_encoding_is_told(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes("straße,y\nx,1\n".encode("latin-1"))
    assert "t.csv:1: not utf-8 text at byte 4" in refusal(Data(source=str(path)))
    path.write_bytes(b"a,y\n" + b"abc,1\nabd,2\n" * 60_000 + "ü,1\n".encode("latin-1"))
    assert "not utf-8 text" in refusal(Data(source=str(path)))


def test_a_line_without_an_end_is_refused_soon_and_without_the_memory(tmp_path: Path):
    for name in ("t.csv", "t.jsonl"):
        path = tmp_path / name
        with path.open("wb") as stream:
            stream.write(b'{"a,b": ')
            stream.truncate(10 << 30)  # a file with a hole: ten gigabytes of nothing
        began = time.monotonic()
        assert name in refusal(Data(source=str(path)))
        assert time.monotonic() - began < 5


def test_a_row_without_an_end_is_refused(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,y\n" + b"x,1\ny,2\n" * 20_000 + b"z" * (9 << 20))
    assert "a row does not end within 4 MB" in refusal(Data(source=str(path)))


def test_a_disk_without_room_is_not_filled(tmp_path: Path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + rows(50))
    monkeypatch.setattr(tables, "IN_MEMORY", 0)
    monkeypatch.setenv("KFLAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_SPARE", 1 << 60)
    with pytest.raises(KflabError, match=r"GB left where .* are needed; KFLAB_CACHE_DIR"):
        sources.study(Data(source=str(path)))
    assert not list((tmp_path / "cache" / "tables").iterdir())


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + rows(50))
    (tmp_path / "cache").write_text("a file is in the way")
    monkeypatch.setenv("KFLAB_CACHE_DIR", str(tmp_path / "cache"))
    sources.study(Data(source=str(path)))
    monkeypatch.setattr(tables, "IN_MEMORY", 0)
    os.utime(path, (1, 1))
    with pytest.raises(KflabError, match="KFLAB_CACHE_DIR names another folder"):
        sources.study(Data(source=str(path)))


TEXT = st.text(alphabet="ab1.,;\"'\n\r\t -{}[]:eNé\0", max_size=200)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=TEXT,
    ending=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet", ".npy", ".npz"]),
    lead=st.booleans(),
)
def test_any_text_is_a_table_or_one_error(tmp_path: Path, text: str, ending: str, lead: bool):
    path = tmp_path / f"t{ending}"
    path.write_text(("a,b\n1,2\n" if lead else "") + text, encoding="utf-8", newline="")
    told = str(path)
    try:
        data = Data(source=str(path), arguments={"missing": "drop"} if ending not in (".npy", ".npz") else {})
        sources.study(data)
        info = describe(data)
        raw = sources.open_source(data, [*info.inputs, *info.targets])
        for array in (*raw.train.inputs.values(), *raw.train.targets.values()):
            assert len(array[:]) == len(raw.train)
    except KflabError as error:
        told = str(error)
    assert str(path) in told or "data." in told
