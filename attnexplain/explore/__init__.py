"""The lesson under your fingers: a screen that answers to keys and mouse. Needs Textual, the extra `explore`.

It draws what `steps` composes, with what `render` draws: no arithmetic is done here, and nothing is said twice.
"""
