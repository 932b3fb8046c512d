"""The screens of the lab: one a file."""
