"""OpenCV, quiet; where it is missing, one line says how it is installed.

Whatever opens or writes videos and pictures, or draws, imports it from here.
"""

from __future__ import annotations

import os

from edge_dnq.errors import RuntimeMissingError

# FFmpeg reads its level once, when the first video is opened; -8 is "quiet". What goes wrong is
# told by a SourceError instead.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

try:
    import cv2
except ModuleNotFoundError as error:
    raise RuntimeMissingError(
        "video files, streams, pictures and USB cameras need OpenCV: pip install 'edge-dnq[video]'"
    ) from error

__all__ = ["cv2"]

_SILENT = 0
# OpenCV 5 moved it.
_set_log_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
_set_log_level(_SILENT)
