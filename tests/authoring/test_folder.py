"""Words in files, as a clinic that keeps them in git works with them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.authoring.folder import known_versions, read_folder
from service.cli.main import app
from service.errors import AftercareError, BadInput
from service.settings import data_folder
from tests.dispatch.acting import day_one_due
from tests.support.house import CLINIC, clinic, close_house, open_house, shipped

SMS = "microneedling/day-1-sunscreen/en/sms.txt"
SPANISH = SMS.replace("/en/", "/es/")
OURS = "{{ clinic.name }}: sunscreen from today, please. Call {{ location.urgent_phone }}"
Types = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "words"


def shipped_words(path: str) -> str:
    return (data_folder("templates") / path).read_text("utf-8")


def write(folder: Path, path: str, source: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(source, "utf-8")


@pytest.fixture
async def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/aftercare.db"
    house = await open_house(
        url.replace("sqlite:", "sqlite+aiosqlite:"), clinic(), clinic(id="dusk"), clinic(id="bright")
    )
    await day_one_due(house, clinic="bright", client__locale="es")
    await close_house(house)
    return url


@pytest.fixture
def types(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Types:
    """`aftercare template WORDS` in this process, on a database with a clinic; the shipped words are read only once."""
    monkeypatch.setattr("service.cli.template.load_content", lambda _: shipped())
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.chdir(tmp_path)

    def type_(*words: object) -> Result:
        return CliRunner().invoke(app, ["template", *map(str, words)])

    return type_


def test_a_folder_is_checked_like_the_shipped_words(folder: Path) -> None:
    write(folder, SMS, "{{ clinic.name }}: it’s time for {{ client.firstname }}")
    write(folder, SMS.replace("/en/", "/es/"), "{{ clinic.name }}: it’s time")
    write(folder, "accepted.toml", '"*/es/sms.txt" = ["warn-unicode"]')
    found = {one.path: one for one in read_folder(shipped(), folder)}
    (problem,) = found[SMS].checked.problems
    assert (problem.code, problem.where) == ("template-unknown-field", f"{SMS}:1:37")
    spanish = found[SMS.replace("/en/", "/es/")]
    assert [one.code for one in spanish.checked.warnings] == ["warn-unicode"]
    assert spanish.open_warnings == ()


def test_a_message_without_its_other_language_is_missed(folder: Path) -> None:
    write(folder, SMS, OURS)
    write(folder, "microneedling/day-2-sensitivity-check/es/sms.txt", OURS)
    assert [one.open_warnings[0].code for one in read_folder(shipped(), folder)] == ["warn-missing-translation"] * 2


@pytest.mark.parametrize(
    ("path", "source", "code"),
    [
        ("microneedling/day-1-sunscreen/en/sms.text", OURS, "template-unknown-file"),
        ("microneedling/day-1/en/sms.txt", OURS, "unknown-template"),
        ("microneedling/same-day-aftercare/en/sms.txt", OURS, "unknown-template"),
        ("accepted.toml", "a = 1", "unreadable-file"),
        ("accepted.toml", "=", "unreadable-file"),
    ],
)
def test_a_file_without_a_place_is_named(folder: Path, path: str, source: str, code: str) -> None:
    write(folder, SMS, OURS)
    write(folder, path, source)
    with pytest.raises(BadInput) as refusal:
        read_folder(shipped(), folder)
    assert [(one.code, one.where) for one in refusal.value.problems] == [(code, path)]


def test_the_shipped_words_have_no_errors_and_no_warning_that_nobody_accepted(types: Types) -> None:
    done = types("check")
    assert done.exit_code == 0
    assert "0 errors, 0 warnings, " in done.output
    assert "Not yet reviewed, by a clinician and by native readers: botulinum-toxin" in done.output


@pytest.mark.parametrize(("source", "code"), [("{{ clinic.nam }}", 2), ("Book now", 1), (OURS, 0)])
def test_a_check_ends_with_what_it_found(types: Types, folder: Path, source: str, code: int) -> None:
    write(folder, SMS, source)
    write(folder, SPANISH, source)
    assert types("check", folder).exit_code == code
    assert types("check", folder, "--clinic", CLINIC).exit_code == code


MISSED = f"{SMS}:1:1: clients who read es would get these words: write them in es, too [warn-missing-translation]"


@pytest.mark.parametrize("of", [(), ("--clinic", "bright")])
def test_a_check_says_what_publishing_would_stop_at_and_nothing_is_saved(
    types: Types, folder: Path, of: tuple[str, ...]
) -> None:
    write(folder, SMS, OURS)
    checked = types("check", folder, *of)
    assert (checked.exit_code, checked.output.splitlines()[0]) == (1, f"warning  {MISSED}")
    refused = types("push", folder, "--clinic", "bright", "--publish").exception
    assert isinstance(refused, BadInput)
    assert [str(one) for one in refused.problems[1:]] == [MISSED]
    assert types("pull", folder.with_name("now"), "--clinic", "bright").output.startswith("Wrote 0 files")


@pytest.mark.parametrize("shipped_spanish", [False, True])
def test_what_passes_a_check_is_published_in_every_language_of_the_folder(
    types: Types, folder: Path, shipped_spanish: bool
) -> None:
    write(folder, SMS, OURS)
    write(folder, SPANISH, shipped_words(SPANISH) if shipped_spanish else OURS.replace("please", "por favor"))
    for of in ((), ("--clinic", "bright")):
        assert types("check", folder, *of).exit_code == 0
    pushed = types("push", folder, "--clinic", "bright", "--publish")
    assert pushed.exit_code == 0, pushed.exception
    assert pushed.output.index(f"{SPANISH}: sent") < pushed.output.index(f"{SMS}: sent")
    assert types("push", folder, "--clinic", "bright", "--publish").output == "0 changed, 2 as before.\n"


def test_a_clinic_whose_clients_read_no_other_language_lacks_none(types: Types, folder: Path) -> None:
    write(folder, SMS, OURS)
    assert types("check", folder).exit_code == 1
    assert types("check", folder, "--clinic", CLINIC).exit_code == 0
    assert types("push", folder, "--clinic", CLINIC, "--publish").exit_code == 0


def test_words_go_to_files_and_back_and_nothing_is_overwritten(types: Types, folder: Path) -> None:
    on = ("--clinic", CLINIC, "--author", "Grace")
    assert types("pull", folder, "--shipped", "--clinic", CLINIC).output.startswith("Wrote 196 files")
    for other in set(folder.iterdir()) - {folder / "microneedling"}:
        shutil.rmtree(other) if other.is_dir() else None
    assert types("push", folder, *on).output == "0 changed, 26 as before.\n"
    write(folder, SMS, OURS)
    write(folder, SMS.replace("/en/", "/es/"), OURS.replace("please", "por favor"))
    pushed = types("push", folder, *on, "--publish", "--note", "shorter")
    assert pushed.exit_code == 0, pushed.output
    assert f"{SMS}: sent from now on; 0 scheduled reminders are touched" in pushed.output
    assert known_versions(folder)[SMS] == 2
    elsewhere = folder.with_name("elsewhere")
    assert types("pull", elsewhere, "--clinic", CLINIC).output.startswith("Wrote 2 files")
    assert (elsewhere / SMS).read_text("utf-8") == OURS
    write(elsewhere, SMS, OURS + " Thanks.")
    assert types("push", elsewhere, *on).exit_code == 0
    draft = types("push", elsewhere, *on, "--publish")
    assert f"{SMS}: sent from now on" in draft.output
    assert types("push", elsewhere, *on, "--publish").output == "0 changed, 2 as before.\n"
    write(folder, SMS, OURS + " Thank you.")
    late = types("push", folder, *on)
    assert isinstance(late.exception, AftercareError)
    assert late.exception.code == "stale-version"


def test_what_was_pulled_is_pushed_as_it_is_with_the_warnings_that_were_accepted(types: Types, folder: Path) -> None:
    on = ("--clinic", CLINIC, "--author", "Grace")
    spanish, letter = SMS.replace("/en/", "/es/"), SMS.replace("sms.txt", "email.md")
    write(folder, SMS, "Sunscreen — from today, please.\r\n\r\nCall {{ location.urgent_phone }}  \r\n")
    write(folder, spanish, OURS)
    write(folder, letter, "---\nsubject: Sunscreen\n---\n\n{{ clinic.name }} — sunscreen\n\n\n")
    write(folder, "accepted.toml", f'"{SMS}" = ["warn-unicode", "warn-no-clinic-name"]')
    assert types("push", folder, *on, "--publish").exit_code == 0
    again = folder.with_name("again")
    write(again, "accepted.toml", f'# by Grace\n"*/en/sms.txt" = ["warn-unicode"]\n"{spanish}" = ["warn-selling"]')
    for _ in range(2):
        assert types("pull", again, "--clinic", CLINIC).output.startswith("Wrote 3 files")
        assert types("push", again, *on).output == "0 changed, 3 as before.\n"
        assert types("push", again, *on, "--publish").output == "0 changed, 3 as before.\n"
        assert (again / "accepted.toml").read_text() == (
            f'# by Grace\n"*/en/sms.txt" = ["warn-unicode"]\n"{spanish}" = ["warn-selling"]\n'
            f'"{SMS}" = ["warn-no-clinic-name", "warn-unicode"]\n'
        )
    assert "2 warnings accepted" in types("check", again).output
    write(again, "accepted.toml", f'"{SMS}" = ["warn-unicode"]')
    types("pull", again, "--clinic", CLINIC)
    assert (again / "accepted.toml").read_text() == f'"{SMS}" = ["warn-no-clinic-name", "warn-unicode"]\n'


def test_an_earlier_version_is_sent_again_and_so_are_the_shipped_words(types: Types, folder: Path) -> None:
    for text in (OURS, OURS + " Thanks."):
        write(folder, SMS, text)
        types("push", folder, "--clinic", CLINIC, "--author", "Grace", "--publish", "--note", "kinder")
    listed = types("restore", SMS, "--clinic", CLINIC).output
    assert [line[:5].strip() for line in listed.splitlines()] == ["4", "", "3", "", "2", "", "1", "", "0"]
    assert "published, by Grace  sent now\n      kinder" in listed
    assert types("restore", SMS, "--clinic", CLINIC, "--version", 2, "--note", "better").output == (
        f"{SMS}: version 2 is sent again, as version 5; 0 scheduled reminders are touched\n"
    )
    types("pull", folder, "--clinic", CLINIC)
    assert (folder / SMS).read_text("utf-8") == OURS
    assert (
        "the shipped words are sent again, as version 6"
        in types("restore", SMS, "--clinic", CLINIC, "--version", 0).output
    )
    listed = types("restore", SMS, "--clinic", CLINIC).output
    assert "restored from the shipped words, by" in listed
    assert "   0  the shipped words  sent now" in listed
    for number, code in (("1", "never-published"), ("99", "unknown-version")):
        refused = types("restore", SMS, "--clinic", CLINIC, "--version", number).exception
        assert isinstance(refused, AftercareError)
        assert refused.code == code


def test_a_push_saves_nothing_where_anything_is_wrong(types: Types, folder: Path) -> None:
    write(folder, SMS, OURS)
    write(folder, SMS.replace("/en/", "/es/"), "{{ clinic.nam }}")
    refused = types("push", folder, "--clinic", CLINIC)
    assert isinstance(refused.exception, BadInput)
    assert types("pull", folder.with_name("now"), "--clinic", CLINIC).output.startswith("Wrote 0 files")


def test_a_preview_needs_no_clinic_and_writes_a_page(types: Types, tmp_path: Path) -> None:
    shown = types("preview", SMS)
    assert "--- right to left, reads ar: shipped-default" in shown.output
    page = tmp_path / "page.html"
    assert types("preview", SMS.replace("sms.txt", "email.md"), "--html", page).exit_code == 0
    assert page.read_text("utf-8").count("<iframe") == 5


def test_a_message_is_held_and_released_by_hand(types: Types) -> None:
    assert types("hold", "microneedling/day-1-sunscreen", "--clinic", CLINIC).output == (
        f"Held microneedling/day-1-sunscreen of {CLINIC}.\n"
    )
    assert types("release", "microneedling/day-1-sunscreen", "--clinic", "dusk").exit_code != 0
    assert types("release", "microneedling/day-1-sunscreen", "--clinic", CLINIC).exit_code == 0
    assert isinstance(types("hold", "microneedling", "--clinic", CLINIC).exception, BadInput)
