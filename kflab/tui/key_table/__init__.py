"""The keys of the lab by subject; `kflab.tui.keys` puts them into one table."""
