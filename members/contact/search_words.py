"""The words of searching for a member: how, whom one spoke to, what came of it."""

import enum


class SearchMethod(enum.StrEnum):
    """How somebody tried; 访、查、找 of the official rules."""

    PHONE_CALL = "phone_call"
    MESSAGE = "message"
    WECHAT = "wechat"
    HOME_VISIT = "home_visit"
    LAST_ADDRESS_VISIT = "last_address_visit"
    FAMILY = "family"
    FRIEND = "friend"
    EMPLOYER = "employer"
    HOST_BRANCH_QUERY = "host_branch_query"
    OFFICIAL_LETTER = "official_letter"
    WRITTEN_NOTICE = "written_notice"


class ContactedPerson(enum.StrEnum):
    """Who was spoken to, as a relation: nobody's name is kept."""

    NOBODY = "nobody"
    MEMBER = "member"
    SPOUSE = "spouse"
    PARENT = "parent"
    CHILD = "child"
    OTHER_RELATIVE = "other_relative"
    FRIEND = "friend"
    NEIGHBOUR = "neighbour"
    EMPLOYER = "employer"
    COLLEAGUE = "colleague"
    HOST_BRANCH = "host_branch"
    PUBLIC_OFFICE = "public_office"


class Outcome(enum.StrEnum):
    """What came of it."""

    REACHED = "reached"
    PROMISED_DATE = "promised_date"
    REFUSED = "refused"
    RELATIVE_ANSWERED = "relative_answered"
    NO_ANSWER = "no_answer"
    POWERED_OFF = "powered_off"
    WRONG_NUMBER = "wrong_number"
    MOVED_AWAY = "moved_away"
    NOT_FOUND = "not_found"
    AWAITING_REPLY = "awaiting_reply"


METHOD_NAMES: dict[SearchMethod, str] = {
    SearchMethod.PHONE_CALL: "打电话",
    SearchMethod.MESSAGE: "发短信",
    SearchMethod.WECHAT: "发微信",
    SearchMethod.HOME_VISIT: "上门走访",
    SearchMethod.LAST_ADDRESS_VISIT: "到最后住址查访",
    SearchMethod.FAMILY: "询问家属",
    SearchMethod.FRIEND: "询问亲友",
    SearchMethod.EMPLOYER: "询问工作单位",
    SearchMethod.HOST_BRANCH_QUERY: "向流入地党组织核查",
    SearchMethod.OFFICIAL_LETTER: "发函协查",
    SearchMethod.WRITTEN_NOTICE: "发书面通知",
}
PERSON_NAMES: dict[ContactedPerson, str] = {
    ContactedPerson.NOBODY: "无",
    ContactedPerson.MEMBER: "本人",
    ContactedPerson.SPOUSE: "配偶",
    ContactedPerson.PARENT: "父母",
    ContactedPerson.CHILD: "子女",
    ContactedPerson.OTHER_RELATIVE: "其他亲属",
    ContactedPerson.FRIEND: "朋友",
    ContactedPerson.NEIGHBOUR: "邻居",
    ContactedPerson.EMPLOYER: "工作单位",
    ContactedPerson.COLLEAGUE: "同事",
    ContactedPerson.HOST_BRANCH: "流入地党组织",
    ContactedPerson.PUBLIC_OFFICE: "有关部门",
}
OUTCOME_NAMES: dict[Outcome, str] = {
    Outcome.REACHED: "联系上了",
    Outcome.PROMISED_DATE: "约定了日期",
    Outcome.REFUSED: "拒绝交谈",
    Outcome.RELATIVE_ANSWERED: "家属接听或答复",
    Outcome.NO_ANSWER: "无人接听或应答",
    Outcome.POWERED_OFF: "关机或停机",
    Outcome.WRONG_NUMBER: "空号或号码不对",
    Outcome.MOVED_AWAY: "已搬走",
    Outcome.NOT_FOUND: "没有找到",
    Outcome.AWAITING_REPLY: "等待答复",
}
