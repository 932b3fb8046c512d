"""What the keys of the lab do, by subject."""
