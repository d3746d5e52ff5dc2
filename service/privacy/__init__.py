"""What people are owed about their data: all of it to read, all of it gone, nothing kept longer than it is useful.

One client's is `dossier` and `erase`; what age takes away is `Retention`.
"""

from service.privacy.dossier import Show, dossier
from service.privacy.erasing import erase
from service.privacy.forgetting import Ages, Retention

__all__ = ["Ages", "Retention", "Show", "dossier", "erase"]
