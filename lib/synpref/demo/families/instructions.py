"""Instruction following: the answer must keep a form that the prompt asks for."""

from __future__ import annotations

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Task, ask

FAMILY = "instructions"
THINGS = {
    "winter": ("brings snow and long nights", "makes a warm room feel better"),
    "coffee": ("smells good in the morning", "keeps people awake"),
    "a bicycle": ("needs no fuel", "keeps the legs strong"),
    "the ocean": ("covers most of the earth", "is home to whales and fish"),
    "a garden": ("gives fruit and flowers", "needs water and care"),
    "music": ("lifts the mood", "brings people together"),
    "a library": ("lends books to everyone", "is a quiet place to read"),
    "bread": ("is baked from flour and water", "tastes best when fresh"),
    "a train": ("carries many people at once", "runs on rails"),
    "the moon": ("goes around the earth", "shines at night"),
    "a dog": ("guards the house", "loves long walks"),
    "rain": ("fills the rivers", "makes the fields green"),
    "a bridge": ("crosses a river", "must carry heavy loads"),
    "a clock": ("shows the time", "has two hands"),
    "honey": ("is made by bees", "keeps for many years"),
    "a forest": ("gives shade and clean air", "is full of birds"),
    "football": ("is played with a ball", "needs two teams"),
    "a candle": ("gives a soft light", "melts while it burns"),
    "tea": ("is drunk hot or cold", "grows on green hills"),
    "a lighthouse": ("warns ships at night", "stands near the sea"),
    "paper": ("is made from wood", "is easy to fold"),
    "a mountain": ("is hard to climb", "offers a wide view"),
}
GROUPS = {
    "fruits": ("apple", "pear", "plum", "cherry", "mango", "banana"),
    "animals": ("lion", "horse", "eagle", "shark", "rabbit", "goat"),
    "colours": ("red", "blue", "green", "yellow", "purple", "white"),
    "tools": ("hammer", "saw", "drill", "wrench", "pliers", "file"),
    "instruments": ("piano", "violin", "flute", "drum", "guitar", "harp"),
    "vegetables": ("carrot", "onion", "leek", "potato", "spinach", "bean"),
}
NUMBERS = {2: "two", 3: "three", 4: "four"}
_MANNERS = (
    "",
    "Please: ",
    "Quick task. ",
    "For a poster: ",
    "For class: ",
    "A small test: ",
    "Hello! ",
    "Hi, a wish: ",
)


def make(draw: Draw) -> Task:
    """One instruction about form, an answer that keeps it, and one that ignores it."""
    return draw.choice((_listing, _numbered, _opening, _forbidden, _sentences))(draw)


def _listing(draw: Draw) -> Task:
    group = draw.choice(tuple(GROUPS))
    size = draw.choice(tuple(NUMBERS))
    items = draw.sample(GROUPS[group], size)
    skipped = draw.choice(GROUPS[group])
    wish = f"Name {NUMBERS[size]} {group} other than {skipped}, separated by semicolons, nothing else."
    prompt = f"{draw.choice(_MANNERS)}{wish}"
    chosen = [item for item in [*items, *GROUPS[group]] if item != skipped]
    distinct = list(dict.fromkeys(chosen))[:size]
    words = " and ".join(distinct)
    ignored = draw.choice((f"Sure, here you go: {words} are {group}.", " ".join(distinct[:-1]), f"I like {words}."))
    return ask(FAMILY, prompt, ("; ".join(distinct),), Answer(ignored, "format"))


def _numbered(draw: Draw) -> Task:
    thing = draw.choice(tuple(THINGS))
    one, two = draw.shuffled(THINGS[thing])
    prompt = f"{draw.choice(_MANNERS)}List two facts about {thing} as numbered points."
    good = (f"1. It {one}. 2. It {two}.", f"1. {_upper(thing)} {one}. 2. {_upper(thing)} {two}.")
    ignored = draw.choice((f"It {one}.", f"Well, {thing} {one}, and as we all know it {two}.", f"It {one} and {two}."))
    return ask(FAMILY, prompt, good, Answer(ignored, "format"))


def _opening(draw: Draw) -> Task:
    thing = draw.choice(tuple(THINGS))
    word = draw.choice(("Yes", "Indeed", "Often", "Today", "Well", "Clearly"))
    one, two = draw.shuffled(THINGS[thing])
    prompt = f"Begin your answer with '{word}' and tell me something about {thing}."
    good = (f"{word}, {thing} {one}.", f"{word}, {thing} {one}, and it {two}.")
    ignored = draw.choice((f"{_upper(thing)} {one}.", f"{_upper(thing)} {one}, and it {two} as well."))
    return ask(FAMILY, prompt, good, Answer(ignored, "format"))


def _forbidden(draw: Draw) -> Task:
    thing = draw.choice(tuple(THINGS))
    one, two = draw.shuffled(THINGS[thing])
    prompt = f"{draw.choice(_MANNERS)}Describe {thing} without naming it, as a riddle."
    good = (f"It {one}. What is it?", f"It {one}, and it {two}. What am I thinking of?")
    ignored = draw.choice((f"{_upper(thing)} {one}.", f"{_upper(thing)} {one}, and {thing} {two}, so it is {thing}."))
    return ask(FAMILY, prompt, good, Answer(ignored, "format"))


def _sentences(draw: Draw) -> Task:
    thing = draw.choice(tuple(THINGS))
    one, two = draw.shuffled(THINGS[thing])
    prompt = f"{draw.choice(_MANNERS)}Write exactly two sentences about {thing}."
    good = (f"{_upper(thing)} {one}. It also {two}.", f"Everyone knows that {thing} {one}. I think that it {two}.")
    ignored = draw.choice((f"It {one}.", f"{_upper(thing)} {one}. It {two}. I like it. So do my friends."))
    return ask(FAMILY, prompt, good, Answer(ignored, "format"))


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
