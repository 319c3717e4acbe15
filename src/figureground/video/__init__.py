"""Moving pictures: frames in, people cut out of each, frames out, in time with the sound.

    import figureground as fg
    for time, pixels in fg.video.frames("clip.mp4"): ...
    fg.video.replace_background("clip.mp4", "out.mp4", background="blur")

Needs PyAV: pip install 'figureground[video]'.
"""

from figureground.video.read import frames as frames
from figureground.video.replace import replace_background as replace_background

__all__ = ["frames", "replace_background"]
