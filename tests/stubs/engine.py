"""An engine without Keras: it speaks the protocol, and a document tells it how to misbehave.

Of the document, `do` may be: `answer` (the default), `refuse`, `die`, `die once` (with `marker`, a file that
remembers), `hang`, `babble`. The title of the document comes back as the name of the only node.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def answer(request: Mapping[str, Any]) -> None:
    document = request["document"]
    if request["type"] == "summarize":
        say({"type": "summarized", "id": request["id"], "text": f"{document['title']}: {request['width']}"})
        return
    nodes = {document.get("title", ""): {"layer": "Dense", "params": 3}}
    report = {"model": {"nodes": nodes, "totals": {"total": 3}}}
    say({"type": "inspected", "id": request["id"], "report": report, "seconds": 0.0})


def obey(request: Mapping[str, Any]) -> None:
    what = request["document"].get("do", "answer")
    if what == "refuse":
        say({"type": "refused", "id": request["id"], "reason": "no such layer"})
        return
    if what == "babble":
        sys.stdout.write("Traceback (most recent call last):\n")
        sys.stdout.flush()
        return
    if what == "die once" and not (marker := Path(request["document"]["marker"])).exists():
        marker.touch()
        what = "die"
    if what == "die":
        sys.stderr.write("it hurts\n")
        sys.stderr.flush()
        os._exit(3)
    if what == "hang":
        while True:
            time.sleep(1)
    answer(request)


def main() -> None:
    obstacle = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if obstacle and obstacle.exists():
        say({"type": "refused", "id": 0, "reason": "Keras did not start: no backend"})
        sys.exit(1)
    say({"type": "hello", "backend": "stub", "keras": "3.0", "devices": ["cpu"]})
    for line in sys.stdin:
        obey(json.loads(line))


if __name__ == "__main__":
    main()
