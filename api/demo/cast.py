"""The five people whom a newcomer can be, and how large each branch is."""

from dataclasses import dataclass

# Public on purpose: a seeded database is for looking around, never for real members.
PASSWORD = "Demo-2026-party"  # noqa: S105 - printed at each start


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """Somebody to sign in as."""

    phone: str
    name: str
    sex: str
    duty: str
    branch_name: str


HOME_BRANCH = "梧桐里社区第一党支部"
MEMBER = DemoAccount("13800000001", "李静", "female", "党员", HOME_BRANCH)
SECRETARY = DemoAccount("13800000002", "陈建国", "male", "支部书记", HOME_BRANCH)
OFFICER = DemoAccount("13800000003", "周敏", "female", "街道干事", "青石桥社区党支部")
ADMIN = DemoAccount("13800000004", "吴志远", "male", "区级管理员", "区档案馆党支部")
AUDITOR = DemoAccount("13800000005", "郑文静", "female", "审计员", "区水务局机关党支部")
ACCOUNTS = (MEMBER, SECRETARY, OFFICER, ADMIN, AUDITOR)

# Branches of the sample list with their head counts, 300 together.
BRANCH_SIZES = {
    HOME_BRANCH: 34,
    "梧桐里社区第二党支部": 28,
    "青石桥社区党支部": 26,
    "滨河苑社区党支部": 20,
    "上川村党支部": 30,
    "下川村党支部": 22,
    "东庄村党支部": 18,
    "南堡村党支部": 18,
    "区档案馆党支部": 15,
    "区水务局机关党支部": 14,
    "区第二小学党支部": 18,
    "云帆大厦联合党支部": 24,
    "丰禾种业党支部": 9,
    "公交公司第三党支部": 24,
}
# The district tried it with these first; the others began half a year later.
PILOT_COMMITTEES = frozenset({"杨陵街道", "李台镇"})
PILOT_DAYS = 200
# Its secretary has left; the deputy carries on.
VACANT_BRANCH = "东庄村党支部"
GROUPS_FROM_SIZE = 24
DEPUTY_FROM_SIZE = 18
