"""Which role fits which organisation, who grants which, and which exclude each other."""

from members.access_models import Role
from members.models import OrganizationKind
from members.organizations import BRANCH_KINDS

ROLE_NAMES: dict[Role, str] = {
    Role.GROUP_LEADER: "党小组长",
    Role.BRANCH_SECRETARY: "支部书记",
    Role.DEPUTY_SECRETARY: "支部副书记",
    Role.DELEGATE: "受托审核人",
    Role.COMMITTEE_OFFICER: "党委工作人员",
    Role.DISTRICT_ADMIN: "区级管理员",
    Role.AUDITOR: "审计员",
    Role.SYSTEM_ADMIN: "系统管理员",
}
_DISTRICT = frozenset({OrganizationKind.DISTRICT_ORGANIZATION_DEPARTMENT})
PLACES: dict[Role, frozenset[OrganizationKind]] = {
    Role.GROUP_LEADER: frozenset({OrganizationKind.PARTY_GROUP}),
    Role.BRANCH_SECRETARY: BRANCH_KINDS,
    Role.DEPUTY_SECRETARY: BRANCH_KINDS,
    Role.DELEGATE: BRANCH_KINDS,
    Role.COMMITTEE_OFFICER: frozenset(
        {
            OrganizationKind.COMMITTEE,
            OrganizationKind.WORKING_COMMITTEE,
            OrganizationKind.GENERAL_BRANCH,
        }
    ),
    Role.DISTRICT_ADMIN: _DISTRICT,
    Role.AUDITOR: _DISTRICT,
    Role.SYSTEM_ADMIN: _DISTRICT,
}
# A system administrator is appointed on the command line only.
MAY_GRANT: dict[Role, frozenset[Role]] = {
    Role.SYSTEM_ADMIN: frozenset({Role.DISTRICT_ADMIN, Role.AUDITOR}),
    Role.DISTRICT_ADMIN: frozenset(Role) - {Role.SYSTEM_ADMIN, Role.AUDITOR},
    Role.COMMITTEE_OFFICER: frozenset(
        {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.DELEGATE, Role.GROUP_LEADER}
    ),
    Role.BRANCH_SECRETARY: frozenset({Role.GROUP_LEADER, Role.DELEGATE}),
}
GRANTING_ROLES = frozenset(MAY_GRANT)
# 审计与管理分离: whoever checks the books neither keeps them nor decides what goes in.
_DECIDING = frozenset(Role) - {Role.AUDITOR, Role.GROUP_LEADER}


def granters_of(role: Role) -> frozenset[Role]:
    """The roles whose holders may grant this role."""
    return frozenset(granter for granter, granted in MAY_GRANT.items() if role in granted)


def roles_excluded_by(role: Role) -> frozenset[Role]:
    """The roles that nobody holds on the same days as this one."""
    if role is Role.AUDITOR:
        return _DECIDING
    return frozenset({Role.AUDITOR}) if role in _DECIDING else frozenset()
