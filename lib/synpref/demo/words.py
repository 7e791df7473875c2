"""Words that the task families combine into prompts."""

from __future__ import annotations

NAMES = (
    "Ana", "Ben", "Carla", "David", "Elif", "Farid", "Greta", "Hugo", "Irene", "Jonas", "Kofi", "Lena", "Marco",
    "Nadia", "Omar", "Paula", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera", "Walter", "Yusuf", "Zoe",
    "Amara", "Boris", "Chloe",
)  # fmt: skip
GOODS = (
    "apples", "books", "coins", "eggs", "pens", "stamps", "oranges", "bottles", "cards", "candles", "plates", "shells",
    "buttons", "tickets", "marbles", "cookies",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
PETS = ("dog", "cat", "parrot", "rabbit", "horse", "hamster", "goat", "turtle")
PET_NAMES = (
    "Pepper", "Biscuit", "Luna", "Rusty", "Mango", "Shadow", "Clover", "Ziggy", "Hazel", "Pickle", "Nero", "Daisy",
)  # fmt: skip
CITIES = (
    "Lisbon", "Kyoto", "Oslo", "Cairo", "Lima", "Vienna", "Porto", "Hanoi", "Quito", "Riga", "Dakar", "Seville",
    "Bergen", "Krakow", "Ghent", "Turin",
)  # fmt: skip
