"""The screen: a Textual app that renders the experiment and posts edits."""
