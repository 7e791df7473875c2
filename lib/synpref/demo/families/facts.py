"""Factual questions over a small table. A wrong fact reads like a right one, so it is hard for a small model."""

from __future__ import annotations

from typing import NamedTuple

from synpref.demo.draw import Draw
from synpref.demo.task import Answer, Task, ask

FAMILY = "facts"


class Table(NamedTuple):
    """What is asked (`what` of a row's name), of which kind the answer is, and the rows: name and answer."""

    what: str
    kind: str
    rows: tuple[tuple[str, str], ...]


CAPITALS = (
    ("Austria", "Vienna"), ("Brazil", "Brasilia"), ("Canada", "Ottawa"), ("Chile", "Santiago"), ("Cuba", "Havana"),
    ("Denmark", "Copenhagen"), ("Egypt", "Cairo"), ("Finland", "Helsinki"), ("France", "Paris"), ("Ghana", "Accra"),
    ("Greece", "Athens"), ("Hungary", "Budapest"), ("Iran", "Tehran"), ("Ireland", "Dublin"), ("Italy", "Rome"),
    ("Japan", "Tokyo"), ("Kenya", "Nairobi"), ("Nepal", "Kathmandu"), ("Norway", "Oslo"), ("Peru", "Lima"),
    ("Poland", "Warsaw"), ("Portugal", "Lisbon"), ("Spain", "Madrid"), ("Sweden", "Stockholm"), ("Thailand", "Bangkok"),
    ("Turkey", "Ankara"), ("Uruguay", "Montevideo"), ("Vietnam", "Hanoi"),
)  # fmt: skip
CURRENCIES = (
    ("Brazil", "the real"), ("Hungary", "the forint"), ("India", "the rupee"), ("Japan", "the yen"),
    ("Kenya", "the shilling"), ("Mexico", "the peso"), ("Poland", "the zloty"), ("South Africa", "the rand"),
    ("Sweden", "the krona"),
    ("Switzerland", "the franc"),
    ("Thailand", "the baht"),
    ("Turkey", "the lira"), ("Ukraine", "the hryvnia"), ("Vietnam", "the dong"),
)  # fmt: skip
SYMBOLS = (
    ("hydrogen", "H"), ("helium", "He"), ("carbon", "C"), ("nitrogen", "N"), ("oxygen", "O"), ("sodium", "Na"),
    ("magnesium", "Mg"), ("silicon", "Si"), ("sulfur", "S"), ("potassium", "K"), ("calcium", "Ca"), ("iron", "Fe"),
    ("copper", "Cu"), ("zinc", "Zn"), ("silver", "Ag"), ("tin", "Sn"), ("gold", "Au"), ("lead", "Pb"),
)  # fmt: skip
AUTHORS = (
    ("Hamlet", "Shakespeare"), ("Emma", "Jane Austen"), ("Faust", "Goethe"), ("Dracula", "Bram Stoker"),
    ("1984", "George Orwell"), ("Ulysses", "James Joyce"), ("The Trial", "Franz Kafka"), ("Don Quixote", "Cervantes"),
    ("The Odyssey", "Homer"),
    ("Oliver Twist", "Charles Dickens"), ("War and Peace", "Leo Tolstoy"), ("The Stranger", "Albert Camus"),
    ("Frankenstein", "Mary Shelley"), ("Moby Dick", "Herman Melville"),
)  # fmt: skip
TABLES = (
    Table("capital", "city", CAPITALS),
    Table("currency", "money", CURRENCIES),
    Table("chemical symbol", "sign", SYMBOLS),
    Table("author", "writer", AUTHORS),
)
_QUESTIONS = (
    "What is the {what} of {name}?", "Please tell me the {what} of {name}.",
    "I forgot the {what} of {name}. Do you know it?",
    "Quiz question: {what} of {name}?", "For my homework I need the {what} of {name}.", "Name the {what} of {name}.",
    "Could you remind me of the {what} of {name}?", "My child asked for the {what} of {name}. Help!",
    "Fill the gap: the {what} of {name} is ...", "{name}: which {kind} is its {what}?",
)  # fmt: skip
_ANSWERS = (
    "It is {answer}.", "The {what} of {name} is {answer}.", "{answer} is the {what} of {name}.",
    "The {kind} you are looking for is {answer}, which is the {what} of {name}.",
)  # fmt: skip


def make(draw: Draw) -> Task:
    """One question, right answers of several lengths, and a wrong one of the same form."""
    table = draw.choice(TABLES)
    name, answer = draw.choice(table.rows)
    other = draw.choice([value for _, value in table.rows if value != answer])
    right, wrong = draw.sample(_ANSWERS, 2), draw.choice(_ANSWERS)
    facts = {"what": table.what, "kind": table.kind, "name": name}
    prompt = draw.choice(_QUESTIONS).format(**facts)
    good = tuple(_sentence(form.format(answer=answer, **facts)) for form in right)
    return ask(FAMILY, prompt, good, Answer(_sentence(wrong.format(answer=other, **facts)), "wrong"))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
