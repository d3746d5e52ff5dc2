"""What people are owed about their data: all of it to read, all of it gone, nothing kept longer than it is useful.

One client's is `dossier` and `erase`; what age takes away is `Retention`, and whom a long absence does `Absence`.
"""

from service.privacy.absence import Absence
from service.privacy.dossier import Show, dossier
from service.privacy.erasing import erase
from service.privacy.forgetting import Ages, Retention

__all__ = ["Absence", "Ages", "Retention", "Show", "dossier", "erase"]
