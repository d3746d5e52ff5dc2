"""A clinic's staff: who they are, where they are reached, and the codes and test messages that are sent to them."""

from service.staff.people import ROLES, Member, StaffBook
from service.staff.sending import Post, PostRules
from service.staff.trials import Trials

__all__ = ["ROLES", "Member", "Post", "PostRules", "StaffBook", "Trials"]
