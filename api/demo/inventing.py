"""Inventing people: names, birth years, phones. The same seed gives the same people."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from api.demo.cast import ACCOUNTS
from members.models import MemberKind, Sector
from members.people import Profile

# The block 199 9xxx xxxx, in random order; nothing here is ever dialled.
_PHONE_PREFIX = "1999"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_MALE = (
    "志强", "建国", "明辉", "海涛", "文斌", "国栋", "永刚", "立军", "浩然", "俊杰",
    "德福", "长河", "学东", "振华", "晓峰", "庆余", "宏伟", "子轩", "守义", "家宝",
)  # fmt: skip
_FEMALE = (
    "秀兰", "桂英", "丽华", "晓燕", "雪梅", "玉珍", "春霞", "婷婷", "美玲", "淑芬",
    "雅琴", "慧敏", "海棠", "小满", "若男", "艳红", "思琪", "月娥", "凤仙", "佳宁",
)  # fmt: skip
_EDUCATIONS = ("初中", "高中", "中专", "大专", "大学", "研究生")
_POSTS = {
    Sector.VILLAGE: ("农民", "村医", "合作社社员", "护林员"),
    Sector.COMMUNITY: ("退休", "社区工作者", "个体经营", "网格员"),
    Sector.OFFICE: ("公务员", "科员", "退休"),
    Sector.PUBLIC_INSTITUTION: ("教师", "退休"),
    Sector.STATE_ENTERPRISE: ("驾驶员", "调度员", "维修工", "退休"),
}
_COMPANY_POSTS = ("工程师", "销售", "财务", "技术员")
AGED_FROM_AGE = 75
NO_PHONE_FROM_AGE = 60
PROBATIONARY_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Invented:
    """A made-up person; the hours of one without a phone are entered by others."""

    profile: Profile
    phone: str | None
    is_aged: bool = False


def invent_people(rng: random.Random, sector: Sector, *, today: date) -> Iterator[Invented]:
    """People of one branch without end; no two have the same name, and none that of the five."""
    posts = _POSTS.get(sector, _COMPANY_POSTS)
    known = {account.name for account in ACCOUNTS}
    while True:
        sex = rng.choice(("male", "female"))
        name = rng.choice(_SURNAMES) + rng.choice(_MALE if sex == "male" else _FEMALE)
        if name in known:
            continue
        known.add(name)
        age = rng.choice((rng.randint(24, 45), rng.randint(38, 68), rng.randint(60, 84)))
        kind, joined_on, converted_on = _standing(rng, age, today)
        profile = Profile(
            name=name,
            kind=kind,
            sex=sex,
            birth_year=today.year - age,
            education=rng.choice(_EDUCATIONS),
            post="退休" if age > 62 and sector is not Sector.VILLAGE else rng.choice(posts),
            joined_on=joined_on,
            converted_on=converted_on,
        )
        has_phone = age < NO_PHONE_FROM_AGE or rng.random() < 0.8
        phone = f"{_PHONE_PREFIX}{rng.randrange(10_000_000):07d}" if has_phone else None
        yield Invented(profile, phone, is_aged=age >= AGED_FROM_AGE)


def _standing(rng: random.Random, age: int, today: date) -> tuple[MemberKind, date, date | None]:
    if age < 46 and rng.random() < PROBATIONARY_SHARE:
        joined_on = today - timedelta(days=rng.randint(40, 330))
        return MemberKind.PROBATIONARY_MEMBER, joined_on, None
    # Converted before the district began to keep its roster here.
    years_ago = rng.randint(4, age - 20)
    # Not after the 28th: the same day exists a year later.
    joined_on = date(today.year - years_ago, rng.randint(1, 12), rng.randint(1, 28))
    return MemberKind.FULL_MEMBER, joined_on, joined_on.replace(year=joined_on.year + 1)
