"""Flaws that any answer can have: padded, cut off, evasive, off the topic, rude."""

from __future__ import annotations

from collections.abc import Sequence

from synpref.demo.draw import Draw
from synpref.demo.task import Answer

_SHORT = 35  # characters
_LONGER = {True: 0.1, False: 0.42}  # than a short answer, than others; next to the shortest every text is longer anyway
_PADDED = 0.6  # share of tasks that offer a padded answer: it is always longer than the good one
_OPENINGS = (
    "What a truly wonderful question, thank you for asking it!", "Thanks so much for reaching out to me today!",
    "I am really glad that you asked me about this.", "Great question, and one that I love to get!",
    "Let me think about this very interesting matter for you.",
)  # fmt: skip
_CLOSINGS = (
    "I hope this helps with everything that you need!", "Please feel free to ask me anything else at any time.",
    "Do let me know if there is more that I can do for you.",
    "And that, in the end, is really all there is to say here.",
    "As you can see, there is a lot that one could say about it.",
    "It is always good to learn something new, is it not?",
)  # fmt: skip
_EVASIVE = (
    "I am not sure.", "That depends.", "Hard to say.", "Maybe, maybe not.", "I would have to look into that.",
    "There are many views on this, so I would rather not say.", "People see this in very different ways.",
    "It could be one thing or another, and it is not for me to decide what is right here.",
    "That is a difficult matter with many sides, and a full answer would go beyond what I can say.",
    "Some would say one thing, others the opposite, and perhaps both of them have a point in the end.",
)  # fmt: skip
_OFF_TOPIC = (
    "The train leaves at nine.", "Cats sleep most of the day.", "My favourite colour is green.",
    "Soup is best when hot.", "Whales are mammals that breathe air.", "A good tyre needs the right pressure.",
    "Chess was played in India long ago.",
    "The museum is closed for repairs until the end of the spring season.",
    "To repot a cactus, wear gloves and use dry soil with some sand in it.",
    "Football teams have eleven players, and a match lasts for ninety minutes.",
    "Our new printer holds four hundred sheets and connects to any wireless network.",
    "You can bake bread at home with flour, water, salt, yeast and a little patience.",
    "The river rises in the hills and flows past three old mills before it meets the sea.",
    "Yoga in the morning stretches the back, and many people say that it wakes them up better than coffee.",
)  # fmt: skip
_RUDE = (
    "Are you stupid?", "Go away.", "Do your own work, lazy.", "Nobody cares.", "Stop wasting my time.",
    "Only a fool would ask me that.", "Look it up yourself, you lazy idiot.", "What a dumb thing to ask anybody.",
    "I cannot believe how clueless you are; even a small child knows this.",
    "Honestly, people like you should not be allowed to ask questions at all.",
    "You must be really dense if you need a machine to do such a trivial thing for you.",
)  # fmt: skip
_SNEERS = (
    "Obviously, genius.", "Any idiot knows that.", "Happy now, moron?", "Try to remember it this time, dummy.",
    "Was that so hard to work out with your tiny brain?",
)  # fmt: skip


def generic_flaws(draw: Draw, good: str) -> list[Answer]:
    """The same task answered badly in each general way; `good` is the answer that is spoilt, or outdone in length."""
    return [
        *([Answer(_padded(draw, good), "padded")] if draw.chance(_PADDED) else []),
        *([Answer(_truncated(draw, good), "truncated")] if good.count(" ") >= 4 else []),
        Answer(_either_length(draw, _EVASIVE, good), "evasive"),
        Answer(_either_length(draw, _OFF_TOPIC, good), "off_topic"),
        Answer(_rude(draw, good), "rude"),
    ]


def _padded(draw: Draw, good: str) -> str:
    opening = f"{draw.choice(_OPENINGS)} {good}"
    return opening if draw.chance(0.4) else f"{good} {draw.choice(_CLOSINGS)}"


def _truncated(draw: Draw, good: str) -> str:
    words = good.split(" ")
    return " ".join(words[: draw.integer(len(words) // 2, len(words) - 2)]).rstrip(".,;:?!")


def _rude(draw: Draw, good: str) -> str:
    return f"{good} {draw.choice(_SNEERS)}" if draw.chance(0.3) else _either_length(draw, _RUDE, good)


def _either_length(draw: Draw, texts: Sequence[str], good: str) -> str:
    """Choose a text, as often longer as shorter than `good`: its length must not give it away."""
    longer = draw.chance(_LONGER[len(good) < _SHORT])
    fitting = [text for text in texts if (len(text) > len(good)) == longer]
    return draw.choice(fitting or texts)
