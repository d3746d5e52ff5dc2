"""Where configuration and templates lie: the operator's own folder, else the checkout, else the installed package."""

from collections.abc import Iterator
from pathlib import Path

from service.errors import ConfigError, Problem

_PACKAGE = Path(__file__).resolve().parents[1]


def home_file(name: str, home: Path | None = None) -> Path | None:
    """The first file `name` (such as `config/aftercare.toml`), or None. `home` is `AFTERCARE_HOME`."""
    return next((root / name for root in _roots(home) if (root / name).is_file()), None)


def data_folder(name: str, home: Path | None = None) -> Path:
    """The first folder `name` (such as `config/protocols` or `templates`); a folder is taken whole, never merged."""
    for root in _roots(home):
        if (root / name).is_dir():
            return root / name
    raise ConfigError(
        Problem("missing-data", name, "this folder is missing here and in the installed package: install it again")
    )


def _roots(home: Path | None) -> Iterator[Path]:
    if home is not None:
        yield home
    checkout = _PACKAGE.parent
    # Beside an installed package lie the folders of others: only a checkout has the project file.
    if (checkout / "pyproject.toml").is_file():
        yield checkout
    yield _PACKAGE / "_data"
