"""Multi-turn: the last question is about what the user said first. A wrong answer mixes it up."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Message, Task
from synpref.demo.words import CITIES, DAYS, MONTHS, NAMES, PET_NAMES, PETS

FAMILY = "conversation"
_REPLIES = ("Nice!", "Good to know.", "Thanks for telling me.", "Lovely.", "I see.", "Great!")
_FORMS = ("It is {}.", "You said {}.", "That was {}.", "As you told me, it is {}.", "You mentioned that it is {}.")
_FORGETS = ("You did not say.", "I can't recall anything that you told me before, so please say it again.")


def make(draw: Draw) -> Task:
    """Three turns, answers that remember, one that remembers wrongly, and one that forgot."""
    told, question, right, wrong = draw.choice((_pet, _trip, _meeting))(draw)
    messages = (Message("user", told), Message("assistant", draw.choice(_REPLIES)), Message("user", question))
    good = tuple(form.format(right) for form in draw.sample(_FORMS, 2))
    mixed = draw.choice(_FORMS).format(wrong)
    return Task(FAMILY, messages, good, (Answer(mixed, "wrong"), Answer(draw.choice(_FORGETS), "evasive")))


def _pet(draw: Draw) -> tuple[str, str, str, str]:
    pet, (name, other) = draw.choice(PETS), draw.sample(PET_NAMES, 2)
    told = f"Hi, I am {draw.choice(NAMES)} and my {pet} is called {name}."
    return told, f"What is my {pet} called?", name, other


def _trip(draw: Draw) -> tuple[str, str, str, str]:
    (city, other), (month, later) = draw.sample(CITIES, 2), draw.sample(MONTHS, 2)
    told = f"I am {draw.choice(NAMES)}, and in {month} I travel to {city}."
    if draw.chance(0.5):
        return told, "Which city did I name?", city, other
    return told, "When do I travel?", month, later


def _meeting(draw: Draw) -> tuple[str, str, str, str]:
    (name, other), (day, later) = draw.sample(NAMES, 2), draw.sample(DAYS, 2)
    told = f"On {day} I meet {name} in {draw.choice(CITIES)}."
    if draw.chance(0.5):
        return told, "Who do I meet?", name, other
    return told, "On which day is it?", day, later
