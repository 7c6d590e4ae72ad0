"""Ink: a lesson or a trace becomes text."""
