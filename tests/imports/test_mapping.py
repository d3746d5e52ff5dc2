"""Another system's export is read by a map: its columns, its words, its times."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from service.errors import BadInput
from service.imports import Encoding, Reader, inspect, load_map, reader_of
from tests.imports.importing import HEADER, LIMIT, ROW

MAP = """
[columns]
"Appointment No" = "treatment_id"
Service = "protocol"
Date = "ended_at"
"Client ID" = "client_ref"
Name = "first_name"

[values.protocol]
"Micro-Needling (Face)" = "microneedling"

[constants]
locale = "es"
consent_care = "sms"

[times]
format = "%d/%m/%Y %H:%M"
zone = "Europe/London"
"""
EXPORT = "appointment no;SERVICE;Date;client id;Name\n77;micro-needling (face);05/07/2026 15:00;c-1;José\n"


def read(tmp_path: Path, text: bytes, map_: str = MAP, encoding: Encoding = Encoding.UTF_8) -> list[Any]:
    (tmp_path / "map.toml").write_text(map_)
    path = tmp_path / "export.csv"
    path.write_bytes(text)
    return [record.value for record in reader(path, text, encoding).records(0, 0)]


def reader(path: Path, text: bytes, encoding: Encoding = Encoding.UTF_8) -> Reader:
    return reader_of(inspect(path, None), BytesIO(text), LIMIT, load_map(path.with_name("map.toml")), encoding)


@pytest.mark.parametrize("encoding", Encoding)
def test_an_export_is_read_in_its_own_words(tmp_path: Path, encoding: Encoding) -> None:
    (event,) = read(tmp_path, EXPORT.encode(encoding), encoding=encoding)
    assert event["data"] == {
        "treatment": {"id": "77", "protocol": "microneedling", "ended_at": "2026-07-05T15:00:00+01:00"},
        "client": {"ref": "c-1", "first_name": "José", "locale": "es", "consent": {"care": ["sms"]}},
    }


def test_what_is_not_utf8_is_told_with_the_option_that_reads_it(tmp_path: Path) -> None:
    (refused,) = read(tmp_path, EXPORT.encode("cp1252"))
    assert (refused.code, refused.problems[0].where) == ("invalid-utf8", "data.client.first_name")
    assert "--encoding cp1252" in refused.problems[0].message


def test_a_time_that_is_written_otherwise_is_an_error_of_its_row(tmp_path: Path) -> None:
    more = EXPORT + "78;x;2026-07-05T15:00:00Z;c-2;Ada\n79;x;06/07/2026 09:30;c-3;Grace\n"
    first, second, third = read(tmp_path, more.encode())
    assert (second.code, second.problems[0].where) == ("unreadable-time", "ended_at")
    assert "31/12/2026 15:30" in second.problems[0].message
    assert [row["data"]["treatment"]["id"] for row in (first, third)] == ["77", "79"]


def test_a_column_of_the_maps_that_the_file_lacks_is_told_where_nothing_else_says_the_same(tmp_path: Path) -> None:
    more = '"SMS consent" = "consent_care"\nMobile = "phone"\nTelephone = "phone"\nMail = "email"'
    (tmp_path / "map.toml").write_text(MAP.replace("Name =", f"{more}\nName ="))
    path = tmp_path / "export.csv"
    path.write_text(text := EXPORT.replace("Name\n", "Name;sms consents;Mobile;email\n", 1))
    odd = [one for one in reader(path, text.encode()).warnings if one.code == "absent-column"]
    sentence = 'the map reads consent_care from a column "sms_consent", which the file does not have'
    assert [(one.where, one.message) for one in odd] == [("export.csv:1", f'{sentence} (did you mean "sms_consents"?)')]


def test_words_that_the_map_does_not_name_stay_and_our_own_names_of_columns_are_known(tmp_path: Path) -> None:
    (event,) = read(tmp_path, f"{HEADER},locale\n{ROW},en\n".encode(), map_='[constants]\nlocale = "es"\n')
    assert event["data"]["treatment"]["protocol"] == "microneedling"
    assert event["data"]["client"]["locale"] == "en"


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ('[columns]\nService = "protocoll"', ":columns", 'did you mean "protocol"'),
        ('[constants]\nlocal = "en"', ":constants", 'did you mean "locale"'),
        ('[values.servise]\na = "b"', ":values", 'no column "servise"'),
        ('[times]\nformat = "%d/%m/%Y %H:%M"\nzone = "Europe/Londn"', ":times.zone", "Europe/London"),
        ('[times]\nformat = "%d/%m %Q"\nzone = "Europe/London"', ":times.format", "%d/%m/%Y"),
        ('[column]\na = "b"', ":column", "leave it out"),
        ("[columns", "", "no TOML"),
        ("[columns]\na = 3", ":columns.a", "in quotes"),
    ],
)
def test_a_map_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, place: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, EXPORT.encode(), map_=text)
    (problem,) = refused.value.problems
    assert (problem.code, problem.where) == ("invalid-map", f"{tmp_path / 'map.toml'}{place}")
    assert sentence in problem.message


def test_read_by_another_map_a_file_is_another_file(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT)
    digests = {inspect(path, None, read_by=by).digest for by in (b"", b"cp1252", MAP.encode())}
    assert len(digests) == 3


def test_a_map_is_for_csv_alone(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_text("{}\n")
    (tmp_path / "map.toml").write_text(MAP)
    with pytest.raises(BadInput) as refused:
        reader_of(inspect(path, None), BytesIO(b"{}\n"), LIMIT, load_map(tmp_path / "map.toml"))
    assert refused.value.code == "not-csv"
