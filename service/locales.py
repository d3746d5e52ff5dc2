"""How the readers of a language write dates where they live: a locale that names no country has that of its clinic."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError


@lru_cache(maxsize=1024)
def regional(locale: str, country: str) -> str:
    """`en` in Ireland is `en_IE`: 20 November, 15:00.

    A locale with a country of its own keeps that, and a language that is not known to be read there (`pl` in Ireland)
    goes without; `en` where nothing at all is known of it.
    """
    named = locale.replace("-", "_")
    language = named.partition("_")[0]
    tried = [named, language, "en"] if "_" in named or not country else [f"{named}_{country}", named, "en"]
    return next(name for name in tried if _is_known(name))


def _is_known(name: str) -> bool:
    try:
        Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True
