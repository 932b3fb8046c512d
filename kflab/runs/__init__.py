"""Run folders: create, launch, follow, list, stop."""
