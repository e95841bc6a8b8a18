"""The README of a member's copy of his data, for people who read no JSON every day."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from core.clock import SHANGHAI
from points.own_data_parts import LEFT_OUT, PARTS

FILE_NAME = "说明.txt"
TITLES = {part.table: part.title for part in PARTS} | {
    "ledger_entry": "积分账本，每笔附有算法说明",
    "who_read_my_data": "谁在何时看过我的信息",
}
_HEAD = """这是您在智慧党建积分系统里的个人信息副本
（个人信息保护法第四十五条），生成于 {at}。

里面有您的完整手机号等信息，请妥善保管，不要转发。

怎么看：每个 .json 文件是一类记录，可用记事本打开，也可由其他程序读取；
一行是一条记录，方括号里没有内容，表示没有这类记录。
积分（points、asked、total 等）以百分之一分计：250 就是 2.5 分；
时长（minutes）以分钟计；时间是北京时间。
组织写了名称；经办的其他人的姓名属于他人信息，没有写入。

一、副本里有什么
"""
_LEFT_OUT_HEAD = """
二、没有写入的，以及原因
"""
_TAIL = """
三、内容不对、想删除，或者需要查阅没有写入的部分
在应用里选“我的反馈”，提“个人信息请求”（更正、删除、查阅），
上级党组织会在十五个工作日内书面答复；对答复不满意，可以再提一次，由更上一级答复。
账本里的积分有误，请提异议：更正用冲正，原来的记录不删除。
"""


def describe(counts: Mapping[str, int], now: datetime) -> str:
    """The text, with the number of rows of each part."""
    at = now.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    present = [f"{name}.json：{TITLES[name]}，{count} 条" for name, count in counts.items()]
    reasons: dict[str, list[str]] = defaultdict(list)
    for table, reason in LEFT_OUT.items():
        reasons[reason].append(table)
    absent = [f"{'、'.join(tables)}：{reason}。" for reason, tables in reasons.items()]
    lists = (_HEAD.format(at=at), *_lines(present), _LEFT_OUT_HEAD, *_lines(absent), _TAIL)
    return "".join(lists)


def _lines(sentences: list[str]) -> list[str]:
    return [f"{one}\n" for one in sentences]
