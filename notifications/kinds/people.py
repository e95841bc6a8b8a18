"""Kinds about a person's own account and offices."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "password_changed",
        frozenset({"at"}),
        "密码已修改",
        "您的密码已于 {at} 修改，其他地方的登录随即失效。如不是您本人，请马上联系支部书记。",
        matter="您的密码已修改",
        is_duty=True,
    ),
    MessageKind(
        "role_granted",
        frozenset({"role", "organization"}),
        "担任职务",
        "您已担任{organization}的{role}，从下一次操作起有相应的权限。",
        matter="您的职务有变动",
        is_duty=True,
    ),
)
