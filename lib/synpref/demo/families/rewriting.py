"""Rewriting: politer, in the past tense, with the spelling mended. A bad rewrite copies, or changes what is meant."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Task, ask
from synpref.demo.words import DAYS, NAMES

FAMILY = "rewriting"
_ORDERS = (
    ("send", "the report"), ("give", "the keys"), ("bring", "the chairs"), ("show", "the plan"), ("lend", "the ladder"),
    ("mail", "the contract"), ("hand", "the tickets"), ("read", "the letter"),
    ("return", "the camera"), ("pass", "the salt"),
)  # fmt: skip
_VERBS = (
    ("walks", "walked", "to the market"), ("opens", "opened", "the window"), ("cooks", "cooked", "a soup"),
    ("writes", "wrote", "a letter"), ("drives", "drove", "to the lake"), ("sings", "sang", "a song"),
    ("buys", "bought", "new shoes"), ("teaches", "taught", "a class"), ("finds", "found", "a coin"),
    ("paints", "painted", "the fence"), ("drinks", "drank", "cold water"), ("builds", "built", "a shed"),
)  # fmt: skip
_SPELLING = (
    ("recieve", "receive", "{n} will {w} the parcel."), ("beleive", "believe", "I {w} that {n} is at home."),
    ("seperate", "separate", "{n} keeps the papers {w}."), ("definately", "definitely", "{n} will {w} call."),
    ("wierd", "weird", "{n} told us a {w} story."), ("adress", "address", "I lost the {w} of {n}."),
    ("arguement", "argument", "{n} won the {w}."), ("untill", "until", "{n} waits {w} noon."),
    ("tommorow", "tomorrow", "{n} arrives {w}."), ("freind", "friend", "{n} met an old {w}."),
    ("neccessary", "necessary", "{n} says that it is {w}."), ("begining", "beginning", "{n} liked the {w}."),
)  # fmt: skip
_QUOTES = ("Make this polite: '{}'", "Say it more kindly: '{}'", "Turn this into a friendly request: '{}'")
_PAST = (
    "Put this into the past tense: '{}'",
    "Rewrite in the past tense: '{}'",
    "This in the past tense, please: '{}'",
)
_MEND = ("Fix the spelling: '{}'", "Correct the typo: '{}'", "Please mend the spelling mistake: '{}'")


def make(draw: Draw) -> Task:
    """One sentence to rewrite, a faithful rewrite, a copy that ignores the wish, and one that changes the meaning."""
    return draw.choice((_polite, _past, _spelling))(draw)


def _polite(draw: Draw) -> Task:
    name, other = draw.sample(NAMES, 2)
    verb, thing = draw.choice(_ORDERS)
    day = draw.choice(DAYS)
    blunt = f"{verb.capitalize()} {thing} to {name} on {day}!"
    request = f"{verb} {thing} to {name} on {day}"
    good = (f"Could you please {request}?", f"Would you be so kind as to {request}? Thank you very much.")
    copied = draw.choice((blunt, f"You must {request}.", f"You had better {request}, and do not make me ask again."))
    wrong = draw.choice(good).replace(name, other)
    return ask(FAMILY, draw.choice(_QUOTES).format(blunt), good, Answer(copied, "format"), Answer(wrong, "wrong"))


def _past(draw: Draw) -> Task:
    name = draw.choice(NAMES)
    now, then, thing = draw.choice(_VERBS)
    stem, changed, lost = draw.choice([row for row in _VERBS if row[0] != now])
    day = draw.choice(DAYS)
    plain = f"On {day} {name} {now} {thing}."
    good = (f"On {day} {name} {then} {thing}.", f"In the past tense: 'On {day} {name} {then} {thing}.'")
    copied = draw.choice((plain, f"On {day} {name} {stem}.", f"In the past tense this is: '{plain}'"))
    wrong = draw.choice((f"On {day} {name} {changed} {thing}.", f"In the past tense: 'On {day} {name} {then} {lost}.'"))
    return ask(FAMILY, draw.choice(_PAST).format(plain), good, Answer(copied, "format"), Answer(wrong, "wrong"))


def _spelling(draw: Draw) -> Task:
    name, other = draw.sample(NAMES, 2)
    typo, right, form = draw.choice(_SPELLING)
    plain, mended = (form.format(n=name, w=word) for word in (typo, right))
    good = (mended, f"With the spelling mended it is: {mended}")
    copied = draw.choice((plain, f"It looks fine to me just as it is: {plain}", f"{plain} {plain}"))
    wrong = draw.choice(good).replace(name, other)
    return ask(FAMILY, draw.choice(_MEND).format(plain), good, Answer(copied, "format"), Answer(wrong, "wrong"))
