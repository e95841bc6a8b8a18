"""What personal data this system keeps, for how long, and why: one table, shown to everybody.

`jobs.retention` deletes what has a term; the rest says what ends it.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class DataClass:
    """One kind of data; `term` is counted from `since`, and empty where a deed ends it."""

    code: str
    title: str
    term: timedelta | None
    since: str
    ending: str
    source: str


_DAY = timedelta(days=1)
_MINIMUM = "个人信息保护法第十九条：期限为实现目的所必要的最短时间"
_ARCHIVES = "党员档案和党务公开的规定；个人信息保护法第四十七条第二款"

DATA_CLASSES = (
    DataClass(
        "roster",
        "名册：姓名、性别、出生年、学历、职务、入党日期、手机号",
        None,
        "编入支部",
        "党籍结束并登记后，由两名区级管理员办理删除：销毁本人密钥，抹去姓名",
        "个人信息保护法第十三条、第四十七条；党员教育管理工作条例",
    ),
    DataClass(
        "id_number",
        "身份证号（默认不保存；启用的，加密保存，显示打码）",
        0 * _DAY,
        "停用身份证号",
        "每晚清除停用之后余下的号码、打码和索引",
        _MINIMUM,
    ),
    DataClass(
        "channel_address",
        "本人填写的邮箱、企业微信等地址（加密）",
        None,
        "本人填写",
        "本人删除，或随名册一同删除",
        "个人信息保护法第十五条：撤回同意",
    ),
    DataClass(
        "ledger",
        "积分账本、公示单、年度结果及其存证",
        None,
        "入账",
        "不删除：账本只有编号，删除个人信息以后仍可核对",
        _ARCHIVES,
    ),
    DataClass(
        "records",
        "组织生活、志愿服务、承诺、联系和查找的记录",
        None,
        "登记",
        "作为党内材料保存；可识别本人的自由文字随名册一同抹去",
        _ARCHIVES,
    ),
    DataClass(
        "change",
        "手机同步用的变动记录（只有编号）",
        # A phone that was away for 90 days goes on; a line carries the time at which its
        # transaction began, which is before it can be read.
        91 * _DAY,
        "变动",
        "删除：更久没有同步的手机重新下载",
        _MINIMUM,
    ),
    DataClass(
        "repeatable_request",
        "已办请求的编号和应答（加密）",
        90 * _DAY,
        "办成",
        "删除：手机离线数周以后重发的，仍只生效一次",
        _MINIMUM,
    ),
    DataClass(
        "sign_in",
        "登录的设备、验证码、登录码和尝试次数",
        30 * _DAY,
        "退出、过期或停用",
        "删除",
        _MINIMUM,
    ),
    DataClass(
        "replaced_token",
        "换下的登录凭证（摘要）",
        180 * _DAY,
        "换下",
        "删除：在此之前，旧凭证再次出现说明被人盗用",
        _MINIMUM,
    ),
    DataClass(
        "search_log",
        "查找失联党员的记录、找到的号码和查看完整号码的记录",
        1096 * _DAY,
        "查找结束",
        "删除；查找的起止、处理决定和谁看过不删除",
        _MINIMUM,
    ),
    DataClass(
        "photo",
        "活动照片",
        366 * _DAY,
        "年度结账",
        "删除；支部还有异议未答复的，等答复以后",
        _MINIMUM,
    ),
    DataClass(
        "audit",
        "操作和查阅的审计记录（只有编号）",
        1096 * _DAY,
        "封存",
        "整段删除已封存的记录",
        "网络安全法第二十一条；个人信息保护法第五十四条、第五十六条",
    ),
    DataClass(
        "number_access",
        "谁在何时因何看过完整号码",
        None,
        "查看",
        "不删除，不少于三年",
        "个人信息保护法第五十四条、第五十六条",
    ),
    DataClass(
        "consent",
        "本人作过的同意和撤回",
        None,
        "本人决定",
        "不删除：证明处理有依据",
        "个人信息保护法第十四条、第十五条",
    ),
    DataClass(
        "import_file",
        "导入的原始名册和撤销数据（加密）",
        7 * _DAY,
        "导入提交",
        "删除文件和撤销数据（任务 purge-imports）",
        _MINIMUM,
    ),
    DataClass(
        "import_result",
        "名册导入逐行的结果，含未导入者的姓名",
        365 * _DAY,
        "上传",
        "删除结果行",
        _MINIMUM,
    ),
    DataClass(
        "message_text",
        "消息的正文",
        730 * _DAY,
        "生成",
        "清空正文和参数，保留标题、时间和是否送达",
        _MINIMUM,
    ),
    DataClass(
        "feedback",
        "意见反馈、投诉、个人信息请求及其答复；匿名的，只有发送的人不让办理的人看到",
        None,
        "提出",
        "作为党内材料保存；本人写的文字随名册一同抹去",
        _ARCHIVES,
    ),
    DataClass(
        "data_copy",
        "本人要求的个人信息副本（用本人的密钥加密）",
        3 * _DAY,
        "提出",
        "删除文件；需要时可以再要一份",
        "个人信息保护法第十九条、第四十五条",
    ),
    DataClass("code_try", "输错的签到码", 7 * _DAY, "活动结束", "删除", _MINIMUM),
    DataClass("requested_work", "导入、试算等作业的进度", 90 * _DAY, "作业结束", "删除", _MINIMUM),
    DataClass(
        "job_run",
        "后台任务的运行记录",
        180 * _DAY,
        "运行结束",
        "删除",
        "网络安全法第二十一条：日志不少于六个月",
    ),
)


def term_of(code: str) -> timedelta:
    """How long a class is kept that has a term."""
    term = next(one.term for one in DATA_CLASSES if one.code == code)
    if term is None:
        raise LookupError(f"{code} has no term")
    return term
