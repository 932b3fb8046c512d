"""`python -m kflab.engine`: the engine over stdin and stdout."""

from __future__ import annotations

import sys

from kflab.engine.serve import main

if __name__ == "__main__":
    sys.exit(main())
