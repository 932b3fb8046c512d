"""Quick add: one typed line such as `conv2d 32 3 relu same | maxpool 2` understood as nodes.

A line is nodes between `|`, each fed by the one before it. A node is what it calls and its arguments:
`dense 10 softmax`, `ops.mean axis=-1`, `model encoder`, `share conv1`. A name may stand in front
(`x2: dense 64`), a wrapper around it (`lstm 64 bi`, `td dense 8`), and further inputs behind (`add +x2`).
"""

from __future__ import annotations

import msgspec

from kflab.catalog import Catalog
from kflab.experiment import Experiment
from kflab.quick_add.completions import complete
from kflab.quick_add.segments import Around, read_segment
from kflab.quick_add.understood import Misread, Segment, Understood
from kflab.quick_add.words import segments

__all__ = ["LONGEST", "understand"]

LONGEST = 2000
"""The characters that a line may have."""


def understand(
    text: str,
    catalog: Catalog,
    experiment: Experiment,
    graph: str = "",
    *,
    cursor: int | None = None,
    rank: int | None = None,
) -> Understood:
    """What a line says; never fails, whatever it is.

    Args:
        text: the line.
        catalog: what Keras offers.
        experiment: what it is added to: its nested models can be called, its layers shared.
        graph: the name of the graph it is added to, "" for the main one.
        cursor: the column of the cursor, which completions and help are for; none: the end of the line.
        rank: the spatial axes of what feeds the first node, where they are known: what makes `conv` a Conv2D.
    """
    cursor = len(text) if cursor is None else min(max(cursor, 0), len(text))
    if len(text) > LONGEST:
        message = f"a line has at most {LONGEST:,} characters, this one {len(text):,}"
        return Understood(text=text, problems=(Misread(LONGEST, len(text), message),))
    found: list[Segment] = []
    problems: list[Misread] = []
    around = Around(catalog=catalog, experiment=experiment, graph=graph, rank=rank)
    here = around
    for part in segments(text) if text.strip() else ():
        if part.start <= cursor <= part.end:
            here = around
        read = read_segment(part, around)
        found.append(read.segment)
        problems += read.problems
        named = (*around.named, read.segment.name) if read.segment.name else around.named
        around = msgspec.structs.replace(around, rank=read.rank, named=named, first=False)
    understood = Understood(text=text, segments=tuple(found), problems=tuple(problems))
    return complete(understood, cursor, here)
