"""The layer graph: nodes, order, edits, undo and layout. Plain Python."""
