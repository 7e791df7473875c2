"""Small puzzles of order, days and odd ones out. A wrong answer names another of the things in the prompt."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.families.instructions import GROUPS
from synpref.demo.task import Answer, Task, ask
from synpref.demo.words import DAYS, NAMES

FAMILY = "reasoning"
_ORDERS = (("taller", "tallest"), ("older", "oldest"), ("faster", "fastest"), ("richer", "richest"))
_QUESTIONS = ("Today is {t}. Which day {b} it {w}?", "If it is {t} now, what day {b} it {w}?", "{t} today. And {w}?")
_ODD = ("Which does not belong: {}?", "Find the odd one out: {}.", "One is not like the others: {}. Which?")
_STEPS = {2: "two", 3: "three", 4: "four", 5: "five"}


def make(draw: Draw) -> Task:
    """One puzzle, right answers of several lengths, and a wrong one."""
    return draw.choice((_order, _day, _odd))(draw)


def _order(draw: Draw) -> Task:
    first, second, third = draw.sample(NAMES, 3)
    more, most = draw.choice(_ORDERS)
    claims = draw.shuffled((f"{first} is {more} than {second}.", f"{second} is {more} than {third}."))
    prompt = f"{' '.join(claims)} Who is the {most}?"
    reason = f"{{}} is the {most}, being {more} than {{}}."
    good = (f"It is {first}.", f"{first} is the {most}.", reason.format(first, second))
    wrong = draw.choice((f"It is {second}.", f"{third} is the {most}.", reason.format(third, first)))
    return ask(FAMILY, prompt, tuple(draw.shuffled(good)), Answer(wrong, "wrong"))


def _day(draw: Draw) -> Task:
    start, step = draw.integer(0, 6), draw.choice(tuple(_STEPS))
    back = draw.chance(0.4)
    today, right = DAYS[start], DAYS[(start - step if back else start + step) % 7]
    wrong = draw.choice([day for day in DAYS if day not in (right, today)])
    when = f"{_STEPS[step]} days ago" if back else f"in {_STEPS[step]} days"
    question = draw.choice(_QUESTIONS).format(t=today, w=when, b="was" if back else "is")
    prompt = f"{draw.choice(NAMES)} asks: {question}"
    verb = "was" if back else "will be"
    good = (f"That {verb} {right}.", f"It {verb} {right}.", f"Counting from {today}, it {verb} {right} {when}.")
    counted = f"Counting from {today}, it {verb} {wrong} {when}."
    false = draw.choice((f"It {verb} {wrong}.", f"That {verb} {wrong}.", counted))
    return ask(FAMILY, prompt, tuple(draw.shuffled(good)), Answer(false, "wrong"))


def _odd(draw: Draw) -> Task:
    group, other = draw.sample(tuple(GROUPS), 2)
    members, odd = draw.sample(GROUPS[group], 3), draw.choice(GROUPS[other])
    shown = ", ".join(draw.shuffled((*members, odd)))
    good = (f"I would say {odd}.", f"It is {odd}.", f"The others are {group}, so {odd} does not belong.")
    wrong = draw.choice((f"It is {members[0]}.", f"The others are alike, so {members[0]} does not belong."))
    return ask(FAMILY, draw.choice(_ODD).format(shown), tuple(draw.shuffled(good)), Answer(wrong, "wrong"))
