"""Exercises on a sentence: a worksheet, its key, and a quiz; the same data as a lesson, with blanks."""
