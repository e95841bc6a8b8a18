"""Measures of people that no scheme may count, however they are spelt."""

import unicodedata

# The 2023, 2024 and 2026 rules against 指尖上的形式主义 name these as banned measures of work.
FORBIDDEN_WORDS = frozenset(
    {"login", "open_app", "streak", "like", "share", "comment", "view_minutes", "install"}
    | {"登录", "打卡", "签到天数", "点赞", "转发", "评论", "阅读", "在线时长", "安装"}
)


def find_forbidden(code: str, name: str) -> str | None:
    """The banned word that a code or a name contains, if any."""
    words_of_code = f"_{code.replace('-', '_')}_"
    letters = unicodedata.normalize("NFKC", name).casefold()
    # A space or an invisible character between two letters does not make another word of them.
    squeezed = "".join(letter for letter in letters if letter.isalnum())
    for word in sorted(FORBIDDEN_WORDS):
        if f"_{word}_" in words_of_code or word.replace("_", "") in squeezed:
            return word
    return None
