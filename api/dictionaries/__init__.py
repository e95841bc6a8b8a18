"""What the values in answers are called, made from the code's own enumerations."""

from collections.abc import Mapping

from api.dictionaries import contact, feedback, life, messages, people, points, system
from api.dictionaries.dictionary import Dictionary

DICTIONARIES: Mapping[str, Dictionary] = {
    name: words
    for part in (people, contact, life, points, messages, feedback, system)
    for name, words in part.WORDS.items()
}
