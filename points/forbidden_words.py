"""Measures of people that no scheme may count, however they are spelt."""

import re
import unicodedata

# The 2023, 2024 and 2026 rules against 指尖上的形式主义 name these as banned measures of work.
# English and pinyin are compared word by word: "unlike" and "shareholder" are other words.
_SPELT = frozenset(
    {"login", "logins", "log_in", "logon", "log_on", "logged_in", "sign_in_days", "daily_sign_in"}
    | {"signin_days", "daily_signin", "daily_check_in", "checkin_days", "daily_checkin", "streak"}
    | {"streaks", "open_app", "app_open", "app_usage", "active_days", "daily_active"}
    | {"like", "likes", "liked", "thumbs_up", "share", "shares", "repost", "reposts", "retweet"}
    | {"comment", "comments", "views", "view_minutes", "browse", "browsing", "page_view"}
    | {"reading", "read_minutes", "reading_time", "study_minutes", "study_time", "study_duration"}
    | {"online_time", "online_minutes", "online_hours", "online_duration", "screen_time"}
    | {"time_online", "watch_time", "clicks", "favorite", "favourite", "followers"}
    | {"install", "installs", "installation", "installed", "download", "downloads"}
    | {"ranking", "rankings", "leaderboard", "gps", "geofence", "face_id", "step_count"}
    | {"denglu", "dianzan", "zhuanfa", "pinglun", "liulan", "daka", "qiandaotianshu"}
    | {"lianxuqiandao", "meiriqiandao", "yueduliang", "yuedushichang", "xuexishichang", "anzhuang"}
    | {"xiazai", "zaixianshichang", "zaixianshijian", "xuexiqiangguo", "paihangbang", "paiming"}
)
_CHINESE = frozenset(
    {"登录", "登陆", "登入", "登錄", "上线天数", "在线天数", "活跃天数", "活跃度", "使用时长"}
    | {"打卡", "签到天数", "签到次数", "连续签到", "每日签到", "簽到天數", "連續簽到", "每日簽到"}
    | {"点赞", "點贊", "點讚", "转发", "轉發", "转载", "评论", "評論", "跟帖", "关注公众号"}
    | {"分享次数", "分享链接", "分享到", "朋友圈", "阅读", "閱讀", "浏览", "瀏覽", "点击", "點擊"}
    | {"在线时长", "在线时间", "在線時長", "在線時間", "学习时长", "學習時長", "观看时长", "看视频"}
    | {"学习强国", "學習強國", "安装", "安裝", "下载", "下載", "排行榜", "积分排名", "步数"}
    | {"人脸", "刷脸", "定位签到", "地理位置", "运动轨迹", "行动轨迹", "上传照片", "拍照"}
)
FORBIDDEN_WORDS = _SPELT | _CHINESE
# At a meeting this is the organiser's roll call; without one it is presence in the app.
ROLL_CALL = frozenset({"签到", "簽到", "qiandao", "signin", "sign_in", "checkin", "check_in"})
# So long that they are part of no other word: "dailylogin" is one of them.
_UNMISTAKABLE = (
    {"login", "dianzan", "denglu", "zhuanfa", "openapp", "screentime", "leaderboard"}
    | {"lianxuqiandao", "meiriqiandao", "zaixianshichang", "xuexishichang", "xuexiqiangguo"}
    | {"yuedushichang"}
)
# Letters of other alphabets, digits and signs that pass for Latin letters.
_LOOK_ALIKE = str.maketrans("аеорсухіјѕкнтмвοαερικντυ01345@$", "aeopcyxijskntmboaepikvtuoieasas")


def find_forbidden(code: str, name: str, *, is_attendance: bool = False) -> str | None:
    """The banned word that a code or a name contains, if any.

    Args:
        is_attendance: it counts a meeting, where signing in is the organiser's roll call.
    """
    banned = FORBIDDEN_WORDS if is_attendance else FORBIDDEN_WORDS | ROLL_CALL
    plain = _plain(name)
    # A space or an invisible character between two letters does not make another word of them.
    squeezed = "".join(letter for letter in plain if letter.isalnum())
    spelt = [_spelt(code), _spelt(plain), _spelt(plain.translate(_LOOK_ALIKE))]
    run_together = [words.replace("_", "") for words in spelt]

    def occurs(word: str) -> bool:
        return (
            word in squeezed
            if not word.isascii()
            else any(f"_{word}_" in words for words in spelt)
            or (word in _UNMISTAKABLE and any(word in letters for letters in run_together))
        )

    return next(filter(occurs, sorted(banned)), None)


def _plain(name: str) -> str:
    """A name in small letters of one width, without accents and without what nobody sees."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(one for one in letters if unicodedata.category(one) not in ("Mn", "Cf"))


def _spelt(text: str) -> str:
    """The Latin words of a text with low lines between and around; "l o g" is one word."""
    words = "_".join(re.findall("[a-z]+", text))
    joined = re.sub(r"(?<![a-z])[a-z](?:_[a-z]){2,}(?![a-z])", _join, words)
    return f"_{joined}_"


def _join(match: re.Match[str]) -> str:
    return match[0].replace("_", "")
