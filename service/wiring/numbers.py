"""How many texts one phone gets in a day, whoever asks for them: intake, worker and staff count alike."""

from service.pumping import NumberCap
from service.settings import Settings


def number_cap(settings: Settings) -> NumberCap:
    """Without a secret key, as commands may be, nothing is kept of numbers that are given up."""
    secret = settings.secret_keys[0].get_secret_value() if settings.secret_keys else ""
    return NumberCap(settings.pumping.phone, settings.pumping.phone_within, secret)
