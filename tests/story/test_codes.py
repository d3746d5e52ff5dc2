"""Every code that anything writes has a sentence: those of the tables, and those that stand in the code."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import service
from service.plan import SkipReason
from service.reasons import SENTENCES
from service.story.words import BY_PERSON, THEN
from service.types import FailureClass

_PLACES = {
    "move": 2,  # Batch.move(row, state, code)
    "Defer": 1,
    "Reroute": 1,
    "Skip": 0,
    "Expire": 0,
    "Resolution": 0,
    "Change": 1,
    "Unwritable": 0,
    "pause_sender": 2,
}
"""By function or class: which argument is a code."""


@cache
def written_codes() -> set[str]:
    """Codes of reasons and decision lines, as they stand in the code."""
    folder = Path(service.__file__).parent
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if not {"sandbox", "cli", "settings"} & set(path.relative_to(folder).parts):
            found.update(_codes(ast.parse(path.read_text("utf-8"))))
    return found


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield from _constants(node.args[_PLACES[name] : _PLACES[name] + 1] if name in _PLACES else [])
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            entries = {key.value: value for key, value in pairs if isinstance(key, ast.Constant)}
            if "reminder" in entries and "code" in entries:  # a decision line
                yield from _constants([entries["code"]])


def _constants(values: list[ast.expr]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.IfExp):
            yield from _constants([value.body, value.orelse])
        elif isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
            yield value.value


def test_codes_are_found_where_they_are_written() -> None:
    known = {"quiet-hours", "expired", "cancelled-by-person", "internal-error", "outcome-unknown"}
    assert known <= written_codes()


@pytest.mark.parametrize("code", sorted({*written_codes(), *map(str, SkipReason), *map(str, FailureClass)}))
def test_every_code_has_a_sentence(code: str) -> None:
    assert SENTENCES[code][0].isupper()
    assert SENTENCES[code].endswith(".")


def test_the_story_has_words_of_its_own_for_codes_that_exist_only() -> None:
    assert {*BY_PERSON, *THEN} <= set(SENTENCES)
