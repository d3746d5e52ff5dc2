"""Settings: which place wins, what a person is told about mistakes, what each role needs, and that secrets stay in."""

import os
import re
import stat
import subprocess
import sys
import tomllib
import zipfile
from datetime import time, timedelta
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from pydantic import SecretStr

from service.errors import ConfigError, Problem
from service.settings import Channels, Role, Settings, data_folder, home_file, load, require_for
from service.settings.names import FIELDS, KEYS, ONLY_IN_ENVIRONMENT, VARIABLES, accepted, variable

CHECKOUT = Path(__file__).resolve().parents[1]
KEY = "k" * 32
SID = "AC" + "0" * 32


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working folder, and none of our variables in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name in VARIABLES or name.startswith(("AFTERCARE_", "TWILIO_", "SENDGRID_")):
            monkeypatch.delenv(name)
    return tmp_path


def home(folder: Path, toml: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    (folder / "config").mkdir()
    (folder / "config" / "aftercare.toml").write_text(toml)
    monkeypatch.setenv("AFTERCARE_HOME", str(folder))
    return folder


def values(settings: Settings) -> dict[str, object]:
    return settings.model_dump()


def told() -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load()
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


class TestPlaces:
    def test_the_defaults_are_those_written_out_in_the_shipped_file(self) -> None:
        assert values(load()) == values(Settings())
        written = tomllib.loads((CHECKOUT / "config" / "aftercare.toml").read_text())
        assert {f"{section}.{key}" for section, keys in written.items() for key in keys} == {
            key for key in KEYS if "." in key
        }

    def test_the_environment_wins_over_dotenv_and_dotenv_over_the_file(
        self, nothing_set: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home(nothing_set, "port = 1\n[worker]\nslots = 1\nbatch = 1\ntick = '1 second'\n", monkeypatch)
        Path(".env").write_text("PORT=2\nAFTERCARE_WORKER__SLOTS=2\nAFTERCARE_WORKER__BATCH=2\n")
        monkeypatch.setenv("AFTERCARE_WORKER__SLOTS", "3")
        settings = load()
        assert settings.port == 2
        assert (settings.worker.slots, settings.worker.batch) == (3, 2)
        assert settings.worker.tick == timedelta(seconds=1)
        assert settings.worker.drain == timedelta(seconds=25)

    def test_dotenv_may_name_the_home_folder(self, nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home(nothing_set, "[quiet_hours]\nsms_start = 21:30:00\n", monkeypatch)
        monkeypatch.delenv("AFTERCARE_HOME")
        Path(".env").write_text(f"AFTERCARE_HOME={nothing_set}\n")
        assert load().quiet_hours.sms_start == time(21, 30)

    def test_an_empty_variable_counts_as_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "")
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", "")
        assert values(load()) == values(Settings())

    def test_the_example_file_is_accepted_as_it_is_and_names_every_variable_outside_the_sections(self) -> None:
        example = (CHECKOUT / ".env.example").read_text()
        Path(".env").write_text(example)
        assert values(load()) == values(Settings())
        named = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
        assert named == {name for name, path in VARIABLES.items() if len(path) == 1}

    def test_settings_made_in_code_read_nothing_from_around_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "1")
        assert Settings().port == 8000

    def test_a_variable_that_stands_for_an_option_is_no_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERCARE_CLINIC", "glow")
        assert values(load()) == values(Settings())

    def test_other_programs_variables_are_none_of_our_business(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("POSTGRES_PASSWORD=x\nHOST=y\n")
        monkeypatch.setenv("TWILIO_API_SECRET", "x")
        assert values(load()) == values(Settings())


class TestMistakes:
    def test_all_mistakes_of_all_places_are_told_at_once(
        self, nothing_set: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home(nothing_set, "[worker]\nbatch = true\nslot = 2\n[sendin]\nx = 1\n[intake]\nbody_limit = 0\n", monkeypatch)
        Path(".env").write_text("# ours\n\nPORT=many\nAFTERCARE_LOGLEVEL=info\nsome words\n")
        monkeypatch.setenv("AFTERCARE_CHANNELS", "pigeons")
        monkeypatch.setenv("AFTERCARE_WORKER", "x")
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
        monkeypatch.setenv("AFTERCARE_SENDING__LEASE", "1 second")
        toml = "config/aftercare.toml"
        assert {(problem.where, problem.code) for problem in told()} == {
            ("environment AFTERCARE_CHANNELS", "wrong-setting"),
            ("environment AFTERCARE_WORKER", "unknown-setting"),
            ("environment TWILIO_ACCOUNT_SID", "half-configured"),
            ("environment AFTERCARE_SENDING__LEASE", "wrong-setting"),
            (".env line 3 PORT", "wrong-setting"),
            (".env line 4 AFTERCARE_LOGLEVEL", "unknown-setting"),
            (".env line 5", "wrong-dotenv"),
            (f"{toml} worker.batch", "wrong-setting"),
            (f"{toml} worker.slot", "unknown-setting"),
            (f"{toml} sendin", "unknown-setting"),
            (f"{toml} intake.body_limit", "wrong-setting"),
        }

    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("AFTERCARE_WORKER__SLOT", "AFTERCARE_WORKER__SLOTS"),
            ("AFTERCARE_LOGLEVEL", "AFTERCARE_LOG_LEVEL"),
            ("AFTERCARE_SECRET_KEYS", "AFTERCARE_SECRET_KEY"),
            ("AFTERCARE_SENDING_LEASE", "AFTERCARE_SENDING__LEASE"),
        ],
    )
    def test_an_unknown_name_comes_with_what_was_probably_meant(
        self, name: str, meant: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(name, "1")
        (problem,) = told()
        assert problem.where == f"environment {name}"
        assert problem.message == f"is not a setting; did you mean {meant}?"

    def test_a_name_like_no_other_comes_with_where_all_are_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERCARE_XYZZY", "1")
        assert told()[0].message == "is not a setting: config/aftercare.toml and .env.example list them"

    def test_a_misspelt_provider_variable_is_found_in_dotenv(self) -> None:
        Path(".env").write_text(f"TWILIO_ACCOUNT_SID={SID}\nTWILIO_AUTH_TOKN=x\n")
        assert [(problem.where, problem.code) for problem in told()] == [
            (".env line 2 TWILIO_AUTH_TOKN", "unknown-setting"),
            (".env line 1 TWILIO_ACCOUNT_SID", "half-configured"),
        ]

    @pytest.mark.parametrize(
        ("given", "lacking"),
        [
            ({"TWILIO_ACCOUNT_SID": SID}, "TWILIO_AUTH_TOKEN"),
            ({"TWILIO_AUTH_TOKEN": "t"}, "TWILIO_ACCOUNT_SID"),
            ({"TWILIO_FROM": "+447400123456"}, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
            ({"SENDGRID_FROM": "care@example.com"}, "SENDGRID_API_KEY"),
        ],
    )
    def test_a_half_configured_provider_is_named_with_its_other_half(
        self, given: dict[str, str], lacking: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        (problem,) = told()
        assert (problem.code, problem.message) == ("half-configured", f"is of no use without {lacking}")

    @pytest.mark.parametrize(
        "section",
        [
            {"deadline": "60 seconds"},
            {"lease": "20 minutes"},
            {"retry_base": "1 hour"},
        ],
    )
    def test_times_that_contradict_each_other_are_refused(
        self, section: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ((key, value),) = section.items()
        monkeypatch.setenv(f"AFTERCARE_SENDING__{key.upper()}", value)
        (problem,) = told()
        assert problem.where == f"environment AFTERCARE_SENDING__{key.upper()}"
        assert "must" in problem.message

    def test_quiet_hours_of_no_length_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERCARE_QUIET_HOURS__SMS_END", "20:00")
        assert "must differ" in told()[0].message

    @pytest.mark.parametrize("name", ["database_url", "twilio_auth_token", "sendgrid_api_key", "secret_keys", "home"])
    def test_a_secret_in_the_file_is_refused(
        self, name: str, nothing_set: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home(nothing_set, f'{name} = "{nothing_set}"\n', monkeypatch)
        problem = next(problem for problem in told() if problem.code == "setting-in-wrong-place")
        assert problem.message.endswith(f"never in this file: {variable((name,))}")

    def test_every_secret_is_kept_out_of_the_file(self) -> None:
        secret = {path[0] for path, field in FIELDS.items() if "SecretStr" in str(field.annotation)}
        assert secret == ONLY_IN_ENVIRONMENT - {"home"}

    @pytest.mark.parametrize(("content", "place"), [(b"[worker]\nslots = =", "line 2"), (b"\xff", "UTF-8")])
    def test_a_file_that_cannot_be_read_is_named(
        self, content: bytes, place: str, nothing_set: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home(nothing_set, "", monkeypatch)
        (nothing_set / "config" / "aftercare.toml").write_bytes(content)
        (problem,) = told()
        assert (problem.code, problem.where) == ("unreadable-settings", "config/aftercare.toml")
        assert place in problem.message

    def test_a_dotenv_that_is_not_text_is_named(self) -> None:
        Path(".env").write_bytes(b"PORT=\xff\n")
        assert [(problem.code, problem.where) for problem in told()] == [("unreadable-settings", ".env")]

    def test_a_home_that_does_not_exist_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AFTERCARE_HOME", "nowhere")
        assert told()[0].message == "must be a folder that exists"

    def test_a_section_written_as_a_value_is_refused(self, nothing_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home(nothing_set, "worker = 3\n", monkeypatch)
        (problem,) = told()
        assert problem.where == "config/aftercare.toml worker"
        assert problem.message == "must be a section: [worker] and its keys below it"

    def test_every_setting_can_say_what_it_accepts(self) -> None:
        assert all(accepted(path) for path in FIELDS)


class TestForms:
    @pytest.mark.parametrize(
        ("variable", "accepted", "refused"),
        [
            ("AFTERCARE_WORKER__TICK", ["1 second", "20 minutes", "2 days"], ["10", "0 seconds", "soon", "-1 second"]),
            ("AFTERCARE_INTAKE__BODY_LIMIT", ["1 MiB", "65536 bytes"], ["1 MB", "0 KiB", "1048576", "-1 MiB"]),
            ("AFTERCARE_WORKER__SLOTS", ["1", "10000"], ["0", "10001", "1.5", "1e2", "true"]),
            ("AFTERCARE_QUIET_HOURS__SMS_START", ["21:00", "20:30:00"], ["9pm", "25:00", "21:00Z", "75600"]),
            ("AFTERCARE_LOG_LEVEL", ["debug", "WARNING"], ["verbose"]),
            ("AFTERCARE_CHANNELS", ["live", "Outbox"], ["both"]),
            ("AFTERCARE_HOST", ["10.0.0.7", "::1"], ["http://10.0.0.7", "a b"]),
            ("PORT", ["0", "65535"], ["65536", "http"]),
            ("PUBLIC_URL", ["https://a.example", "http://127.0.0.1:8000/x/"], ["a.example", "https://a?b", "ftp://a"]),
            ("PUBLIC_URL", [], ["https://ada:secret@a.example", "https://[a", "https://a:0", "https://a:port"]),
            ("AFTERCARE_SECRET_KEY", [KEY, f"{KEY}, {KEY}"], ["short", f"{KEY},short", f"{KEY},"]),
            ("SENDGRID_WEBHOOK_KEY", ["MFkwEw=="], ["not base64!"]),
        ],
    )
    def test_a_setting_takes_its_forms_and_no_others(
        self, variable: str, accepted: list[str], refused: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for value in accepted:
            monkeypatch.setenv(variable, value)
            load()
        for value in refused:
            monkeypatch.setenv(variable, value)
            assert [problem.where for problem in told()] == [f"environment {variable}"], value

    @pytest.mark.parametrize(
        ("written", "sqlalchemy", "listen"),
        [
            ("postgres://a:b@h:5432/n", "postgresql+asyncpg://a:b@h:5432/n", "postgresql://a:b@h:5432/n"),
            ("postgresql://a:p%40q@h/n", "postgresql+asyncpg://a:p%40q@h/n", "postgresql://a:p%40q@h/n"),
            (
                "postgres://h/n?sslmode=require",
                "postgresql+asyncpg://h/n?ssl=require",
                "postgresql://h/n?sslmode=require",
            ),
            ("postgresql:///n?host=/run/pg", "postgresql+asyncpg:///n?host=/run/pg", "postgresql:///n?host=/run/pg"),
            ("sqlite:///a.db", "sqlite+aiosqlite:///a.db", None),
            ("sqlite:////data/a.db", "sqlite+aiosqlite:////data/a.db", None),
        ],
    )
    def test_a_database_address_serves_both_drivers(
        self, written: str, sqlalchemy: str, listen: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", written)
        settings = load()
        assert (settings.sqlalchemy_url, settings.listen_dsn) == (sqlalchemy, listen)

    @pytest.mark.parametrize(
        "written",
        [
            "mysql://h/n",
            "h/n",
            "postgresql://h",
            "postgres:///n",
            "postgres://a:b#c@h/n",
            "postgres://a:b/c@h/n",
            "postgres://a:b@h:x/n",
            "postgres://a@h/n?channel_binding=require",
            "sqlite://",
            "sqlite:///:memory:",
            "sqlite:///a.db?mode=ro",
            "sqlite:///somewhere/",
        ],
    )
    def test_an_address_that_would_not_work_is_refused_without_being_shown(
        self, written: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", written)
        (problem,) = told()
        assert problem.message.startswith("must be postgresql://user:password@host:5432/name")
        assert len(written) < 10 or written not in problem.message


class TestSecrets:
    @pytest.mark.parametrize("name", VARIABLES)
    def test_a_wrong_value_is_never_repeated_whichever_setting_it_was_put_in(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for value in ["canary", "canary@x", "https://a:canary@h/", "canary 10", "postgres://canary:x#@h/canary"]:
            monkeypatch.setenv(name, value)
            shown = ""
            try:
                load()
            except ConfigError as error:
                shown = f"{error} {error!r} {error.problems!r}"
            assert "canary" not in shown

    def test_no_secret_shows_in_the_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in {
            "DATABASE_URL": "postgres://ada:canary@db/x",
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": "canary-1",
            "SENDGRID_API_KEY": "SG.canary",
            "AFTERCARE_SECRET_KEY": f"{'canary' * 6},{'canary' * 7}",
        }.items():
            monkeypatch.setenv(name, value)
        settings = load()
        assert "canary" not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
        assert [key.get_secret_value() for key in settings.secret_keys] == ["canary" * 6, "canary" * 7]


class TestRoles:
    live = Settings(
        database_url=SecretStr("postgresql://h/n"),
        secret_keys=(SecretStr(KEY),),
        sendgrid_api_key=SecretStr("k"),
        channels=Channels.LIVE,
    )

    @pytest.mark.parametrize(
        ("role", "lacking"),
        [
            ("web", ["DATABASE_URL", "AFTERCARE_SECRET_KEY"]),
            ("worker", ["DATABASE_URL", "AFTERCARE_SECRET_KEY", "AFTERCARE_CHANNELS"]),
            ("migrate", ["DATABASE_URL"]),
            ("tool", ["DATABASE_URL"]),
        ],
    )
    def test_a_role_names_all_that_it_lacks(self, role: Role, lacking: list[str]) -> None:
        with pytest.raises(ConfigError) as caught:
            require_for(Settings(), role)
        assert [problem.where for problem in caught.value.problems] == lacking

    @pytest.mark.parametrize("role", ["run", "web", "worker", "migrate", "tool"])
    def test_a_role_that_has_all_goes_ahead_with_it(self, role: Role) -> None:
        complete = require_for(self.live, role)
        assert complete.sqlalchemy_url == "postgresql+asyncpg://h/n"
        assert complete.channels is Channels.LIVE
        assert not Path(".aftercare").exists()

    @pytest.mark.parametrize("role", ["run", "worker"])
    def test_sending_live_without_a_provider_is_refused_and_the_outbox_needs_none(self, role: Role) -> None:
        bare = self.live.model_copy(update={"sendgrid_api_key": None})
        with pytest.raises(ConfigError) as caught:
            require_for(bare, role)
        assert caught.value.code == "no-provider"
        outbox = bare.model_copy(update={"channels": Channels.OUTBOX})
        assert require_for(outbox, role).channels is Channels.OUTBOX

    def test_run_makes_a_database_and_a_key_of_its_own_and_keeps_them(self, nothing_set: Path) -> None:
        first, second = require_for(Settings(), "run"), require_for(Settings(), "run")
        assert first.sqlalchemy_url == f"sqlite+aiosqlite:///{nothing_set}/.aftercare/aftercare.db"
        assert (first.channels, first.host) == (Channels.OUTBOX, "127.0.0.1")
        assert first.secret_keys == second.secret_keys
        assert stat.S_IMODE(Path(".aftercare/secret").stat().st_mode) == 0o600
        assert [file.name for file in Path(".aftercare").iterdir()] == ["secret"]

    def test_run_takes_the_outbox_even_where_a_provider_is_configured(self) -> None:
        assert require_for(Settings(sendgrid_api_key=SecretStr("k")), "run").channels is Channels.OUTBOX

    def test_a_spoilt_key_file_is_named(self) -> None:
        Path(".aftercare").mkdir()
        Path(".aftercare/secret").write_text("short")
        with pytest.raises(ConfigError, match="delete it"):
            require_for(Settings(), "run")

    def test_a_tool_works_on_what_run_made_in_this_folder(self) -> None:
        made = require_for(Settings(), "run")
        Path(".aftercare/aftercare.db").touch()
        tool = require_for(Settings(), "tool")
        assert (tool.sqlalchemy_url, tool.secret_keys) == (made.sqlalchemy_url, made.secret_keys)

    def test_web_listens_everywhere_unless_told_otherwise(self) -> None:
        assert require_for(self.live, "web").host == "0.0.0.0"  # noqa: S104 - asserted, not bound
        told = Settings(database_url=self.live.database_url, secret_keys=self.live.secret_keys, host="127.0.0.1")
        assert require_for(told, "web").host == "127.0.0.1"


class TestHomes:
    def test_the_operators_folder_comes_before_the_checkout(self, tmp_path: Path) -> None:
        assert data_folder("templates", tmp_path) == CHECKOUT / "templates"
        (tmp_path / "templates").mkdir()
        assert data_folder("templates", tmp_path) == tmp_path / "templates"
        assert data_folder("config", tmp_path) == CHECKOUT / "config"

    def test_what_is_nowhere_is_told(self, tmp_path: Path) -> None:
        assert home_file("config/nothing.toml", tmp_path) is None
        with pytest.raises(ConfigError) as caught:
            data_folder("nothing")
        assert (caught.value.code, caught.value.problems[0].where) == ("missing-data", "nothing")

    def test_a_wheel_carries_what_a_checkout_has(self, tmp_path: Path) -> None:
        wheel = next(WheelBuilder(str(CHECKOUT)).build(directory=str(tmp_path)))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
        script = "from service.settings import *; print(data_folder('templates')); print(load().worker.slots)"
        done = subprocess.run(
            [sys.executable, "-P", "-c", script],
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(tmp_path / "site/service/_data/templates"), "1000"]
