"""Hypothesis draws the same examples every time, so that a failure on one machine is a failure on all.

Being here also puts this folder on the import path, for the helper modules beside it.
"""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
