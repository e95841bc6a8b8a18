"""Kinds about a person's own account and offices."""

from notifications.message_kind import MessageKind

KINDS = (
    MessageKind(
        "assisted_sign_in",
        frozenset({"helper", "at"}),
        "有人协助您登录",
        "{helper}于 {at} 协助您登录了一台手机。如不是您本人，请退出它，并联系支部。",
        matter="有人协助您登录",
        is_duty=True,
    ),
    MessageKind(
        "helped_sign_in",
        frozenset({"member", "at"}),
        "您协助了一次登录",
        "您于 {at} 协助{member}登录了一台手机。如不是您办理的，请马上联系上级。",
    ),
    MessageKind(
        "session_ended",
        frozenset({"at"}),
        "一台手机已退出登录",
        "已换过的登录凭证在 {at} 又被使用，那台手机已退出登录。如不放心，请修改密码。",
        matter="您的一台手机已退出登录",
        is_duty=True,
    ),
    MessageKind(
        "password_changed",
        frozenset({"at"}),
        "密码已修改",
        "您的密码已于 {at} 修改，其他手机上的登录随即失效。如不是您本人，请马上联系支部书记。",
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
