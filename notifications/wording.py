"""How a member is addressed where others may read along: by surname and honorific only."""

HONORIFIC = "同志"
# The compound surnames that are still borne; any other surname is one character.
COMPOUND_SURNAMES = frozenset(
    {
        "欧阳", "司马", "上官", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容",
        "令狐", "东方", "司徒", "端木", "长孙", "宇文", "独孤", "南宫", "西门",
        "公冶", "濮阳", "淳于", "单于", "申屠", "钟离", "闻人", "呼延", "轩辕",
        "太史", "澹台", "赫连", "拓跋", "百里", "东郭", "左丘", "鲜于", "司空",
    }
)  # fmt: skip


def salute(name: str) -> str:
    """Surname and honorific; of a name with a dot, its first part."""
    if "·" in name:
        return name.partition("·")[0] + HONORIFIC
    length = 2 if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else 1
    return name[:length] + HONORIFIC


def masked(name: str) -> str:
    """The first character of a name: who is looked for is told inside the app only."""
    return name[:1] + "*" * (len(name) - 1)
