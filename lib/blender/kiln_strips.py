# SPDX-License-Identifier: Apache-2.0
"""The strips of the sequencer, and which of them the frames of a job show."""
import kiln_frames
from kiln_properties import read

EVER = 1 << 30


class Placed:
    """A strip, and the frames at which it is shown if it is on; those of one in a meta strip end with the meta strip."""

    def __init__(self, strip, is_on, around):
        self.strip, self.around = strip, around
        self.is_unmuted = is_on  # neither it nor its channel is muted
        self.is_input = False  # of an effect that is shown: then it is shown, muted or not
        self.is_retimed = False  # by an effect: it does not advance by one per frame
        self.first, self.last = read(strip, "strip_first", -EVER), read(strip, "strip_end", EVER) - 1
        if around:
            self.first, self.last = max(self.first, around.first), min(self.last, around.last)

    @property
    def is_on(self):
        return (self.is_unmuted or self.is_input) and (self.around is None or self.around.is_on)

    @property
    def begin(self):
        """The frame of its first picture, which may be cut off."""
        return read(self.strip, "strip_start", self.first)

    def advances_by_one(self):
        return not (self.is_retimed or self.begin != int(self.begin) or read(self.strip, "retiming") or
                    getattr(self.strip, "use_reverse_frames", False) or getattr(self.strip, "strobe", 1) > 1)


def of(scene):
    """All strips of a scene, those in meta strips too."""
    found = placed(read(scene, "strips") or (), read(scene, "channels") or (), None)
    by_strip = {one.strip: one for one in found}
    left = list(found)
    while left:
        effect = left.pop()
        if effect.is_on:
            left += [source for source in inputs(effect, by_strip) if feed(source, effect)]
    return found


def placed(strips, channels, around):
    found = []
    for strip in strips:
        is_muted = strip.mute or (strip.channel < len(channels) and channels[strip.channel].mute)
        found.append(Placed(strip, not is_muted, around))
        if strip.type == "META":
            found += placed(read(strip, "meta_strips") or (), read(strip, "meta_channels") or (), found[-1])
    return found


def inputs(effect, by_strip):
    sources = (by_strip.get(getattr(effect.strip, name, None)) for name in ("input_1", "input_2"))
    return [source for source in sources if source is not None]


def feed(source, effect):
    """Whether this changes what is known of the source."""
    retimes = effect.is_retimed or effect.strip.type == "SPEED"
    before = source.is_input, source.is_retimed
    source.is_input, source.is_retimed = True, source.is_retimed or retimes
    return before != (source.is_input, source.is_retimed)


def is_used(scene):
    """Whether the strips make the pictures of a scene, as Blender decides it: by those that are in no meta strip."""
    return read(scene, "sequencer", True) and any(one.is_unmuted and one.around is None and one.strip.type != "SOUND"
                                                  for one in of(scene))


def shown(scene, frames):
    """The strips that some of the frames may show."""
    return [one for one in of(scene) if one.is_on and frames.meets(one.first, one.last)]


def frames_within(one, frames):
    """The frames of its scene that a scene strip shows at some frames of the sequencer."""
    scene = one.strip.scene
    if not one.advances_by_one():
        return kiln_frames.Frames([(scene.frame_start, scene.frame_end, 1)], scene)
    moved = scene.frame_start + read(one.strip, "strip_offset", 0) - int(one.begin)

    def held(frame):  # before and after its frames, the strip shows the first and the last
        return min(max(frame + moved, scene.frame_start), scene.frame_end)

    return kiln_frames.Frames([(held(first), held(last), step) for first, last, step in
                               frames.between(one.first, one.last)], scene)


def shows_sequencer(strip):
    """Whether a scene strip shows the strips of its scene, not what its camera sees."""
    return getattr(strip, "scene_input", "CAMERA") == "SEQUENCER"
