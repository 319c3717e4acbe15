"""Moving pictures: frames in, people cut out of each, frames out, in time with the sound.

    import figureground as fg
    for time, pixels in fg.video.frames("clip.mp4"): ...
    for pixels, alpha, time in fg.video.alphas("clip.mp4"): ...
    fg.video.replace_background("clip.mp4", "out.mp4", background="blur")

Needs PyAV and OpenCV: pip install 'figureground[video]'.
"""

from figureground.video.people import alphas as alphas
from figureground.video.read import frames as frames
from figureground.video.replace import replace_background as replace_background

__all__ = ["alphas", "frames", "replace_background"]
