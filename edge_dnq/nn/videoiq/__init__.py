"""Checkpoints of the original VideoIQ code: recognised by their keys, rebuilt in torch.

Written from the published arithmetic and the layout of the files; see docs/videoiq.md.
"""
