"""Words in files, for clinics that keep theirs in git: the same places and rules as the shipped ones.

`accepted.toml` beside them names warnings that were looked at and taken on: `"peel/*/es/sms.txt" = ["warn-segments"]`.
`.aftercare.json` remembers which version each file came from, so that a push never overwrites what somebody else wrote.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import orjson

from service.authoring.check import USUAL, WritingRules, check, key_of, where_of
from service.authoring.model import Checked
from service.content import Content
from service.errors import AftercareError, BadInput, Problem
from service.render import FILES, Clinic, tag_of
from service.store.templates import TemplateKey

_ACCEPTED, _KNOWN = "accepted.toml", ".aftercare.json"
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Found:
    """One file of words with what was found in it."""

    key: TemplateKey
    source: str
    checked: Checked
    accepted: tuple[str, ...]

    @property
    def path(self) -> str:
        return where_of(self.key)

    @property
    def open_warnings(self) -> tuple[Problem, ...]:
        return self.checked.open_warnings(self.accepted)


def read_folder(content: Content, folder: Path, at: Clinic | None = None, writing: WritingRules = USUAL) -> list[Found]:
    """Every file of words below a folder, checked. Raises BadInput with every file that has no place."""
    if not folder.is_dir():
        raise BadInput(Problem("unreadable-file", str(folder), "there is no such folder"))
    problems: list[Problem] = []
    sources: dict[TemplateKey, str] = {}
    for path in sorted(path for path in folder.glob("*/*/*/*") if not path.name.startswith(".")):
        try:
            sources[key_of_path(content, path)] = path.read_text("utf-8")
        except (AftercareError, OSError, UnicodeDecodeError) as error:
            problems += _unplaced(error, path.relative_to(folder).as_posix())
    if problems:
        raise BadInput(*problems)
    rules = _accepted(folder)
    return [_found(content, key, source, sources, rules, at, writing) for key, source in sources.items()]


def key_of_path(content: Content, path: Path) -> TemplateKey:
    """The message that a file is for, by the last four parts of its path. Raises NotFound, BadInput."""
    if len(path.parts) < _DEPTH or path.name not in FILES:
        sentence = f"words are in <protocol>/<step>/<language>/{' or '.join(FILES)}"
        raise BadInput(Problem("template-unknown-file", str(path), sentence))
    protocol, step, locale, name = path.parts[-_DEPTH:]
    return key_of(content, protocol, step, FILES[name], locale)


def known_versions(folder: Path) -> dict[str, int]:
    """Which version each file came from, by its path."""
    path = folder / _KNOWN
    found: dict[str, int] = orjson.loads(path.read_bytes()) if path.is_file() else {}
    return found


def remember_versions(folder: Path, versions: Mapping[str, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _KNOWN).write_bytes(orjson.dumps(dict(sorted(versions.items())), option=orjson.OPT_INDENT_2) + b"\n")


def accept_warnings(folder: Path, accepted: Mapping[str, Sequence[str]]) -> None:
    """Let the folder accept what was accepted with these words, by path; what stands in it stays."""
    rules = _accepted(folder)
    lacking = {name: codes for name, codes in accepted.items() if set(codes) - set(_codes_for(name, rules))}
    if not lacking:
        return
    path = folder / _ACCEPTED
    text = path.read_text("utf-8") if path.is_file() else ""
    if rules.keys() & lacking.keys():  # no name may stand there twice: only then is the file written anew
        lacking, text = rules | {name: [*rules.get(name, ()), *codes] for name, codes in lacking.items()}, ""
    lines = [f"{_quoted(name)} = [{', '.join(map(_quoted, sorted({*codes})))}]\n" for name, codes in lacking.items()]
    gap = "" if not text or text.endswith("\n") else "\n"
    path.write_text(text + gap + "".join(lines), "utf-8")


def _quoted(text: str) -> str:
    """As TOML has it: JSON's strings are TOML's, too."""
    return orjson.dumps(text).decode()


def write_words(folder: Path, key: TemplateKey, source: str) -> None:
    path = folder / where_of(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, "utf-8")


def _found(
    content: Content,
    key: TemplateKey,
    source: str,
    sources: Mapping[TemplateKey, str],
    rules: Mapping[str, Sequence[str]],
    at: Clinic | None,
    writing: WritingRules,
) -> Found:
    accepted = _codes_for(where_of(key), rules)
    missing = tuple(_missing(content, key, sources))
    checked = check(content, key, source, at=at, missing=missing, rules=writing)
    return Found(key, source, checked, tuple(dict.fromkeys(accepted)))


def _codes_for(path: str, rules: Mapping[str, Sequence[str]]) -> list[str]:
    return [code for glob, codes in rules.items() if fnmatchcase(path, glob) for code in codes]


def _missing(content: Content, key: TemplateKey, sources: Mapping[TemplateKey, str]) -> Iterator[str]:
    """Languages that this folder has of other messages, and not of this one; and those in which it is shipped.

    Which of those a clinic's clients read is not known here: any, so that no clinic finds more than this.
    """
    shipped = {
        one.locale for one in content.templates.wordings.values() if (one.protocol, one.step, one.medium) == key[:3]
    }
    languages = {_language(locale) for locale in shipped | {other.locale for other in sources}}
    yield from sorted(languages - {_language(other.locale) for other in sources if other[:3] == key[:3]})


def _language(locale: str) -> str:
    return tag_of(locale).partition("-")[0]


def _accepted(folder: Path) -> dict[str, Sequence[str]]:
    path = folder / _ACCEPTED
    try:
        found: dict[str, Sequence[str]] = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise BadInput(Problem("unreadable-file", _ACCEPTED, f"this is not TOML: {error}")) from None
    if not all(isinstance(codes, list) for codes in found.values()):
        raise BadInput(Problem("unreadable-file", _ACCEPTED, 'write lines like "peel/*/es/*" = ["warn-segments"]'))
    return found


def _unplaced(error: Exception, where: str) -> list[Problem]:
    if isinstance(error, AftercareError):
        return [Problem(one.code, where, one.message) for one in error.problems]
    return [Problem("unreadable-file", where, "the file cannot be read as UTF-8 text")]
