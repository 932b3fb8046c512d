"""Readers of data of the user's own: tables, folders of images and of texts, arrays."""
