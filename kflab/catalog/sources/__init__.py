"""Data of the user's own, told without NumPy: what kind a source is, its arguments, what it holds."""
