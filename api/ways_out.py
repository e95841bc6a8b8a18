"""What to do about each error: for docs/problems.md, and for who reads `/meta/errors`."""

from typing import Any

# One for each status is enough for most codes: the sentence in `detail` says the rest.
OF_STATUSES = {
    400: "请求体应为 UTF-8 的 JSON，没有重复的字段、NaN 或过深的嵌套",
    401: "用刷新凭证换新的凭证，或重新登录",
    403: "请有这项权限的人办理",
    404: "核对编号；不在管理范围内的与不存在的回答一样",
    405: "看响应头 Allow",
    409: "重新读取最新内容，再决定是否重试",
    410: "清空本机的同步数据，不带 since 从头同步",
    413: "请求体不超过 1 MiB，文件不超过 16 MiB",
    415: "按接口文档设置 Content-Type",
    422: "按 detail 和 errors 的提示修改后再提交",
    426: "请用户更新应用；最低版本见 GET /meta 的 min_client",
    429: "按 Retry-After 稍后再试",
    500: "稍后再试；再次出现时把 request_id 告诉管理员",
    503: "按 Retry-After 稍后再试",
}
OF_CODES = {
    "auth.bad_credentials": "核对手机号和密码；忘记密码请支部书记重置",
    "auth.session_revoked": "请用户重新登录，不要再用这个凭证",
    "auth.token_expired": "用刷新凭证静默换新的凭证，再重试",
    "auth.wechat_unbound": "用 errors[0].params.bind_ticket 和手机验证码绑定",
    "auth.old_password_wrong": "重新输入原密码",
    "auth.confirmation_required": "先 POST /auth/sessions/current/confirmation，再原样重发",
    "auth.confirmation_failed": "重新输入；验证码可重新获取",
    "auth.password_change_required": "先用 PUT /auth/password 修改初始密码",
    "idempotency.missing": "每次操作生成一个 UUID，发送之前存下，重发时用同一个",
    "idempotency.in_progress": "按 Retry-After 用同一编号重试",
    "idempotency.settled": "不用再发；重新读取最新内容",
    "idempotency.malformed": "用 UUID，例如 0f8fad5b-d9cb-469f-a165-70867728950e",
    "idempotency.mismatch": "内容改了就是另一次操作：换一个新的编号",
    "outcome_unknown": "按 Retry-After 用同一编号重试；已经办成的，会给出同一应答",
    "claim.duplicate": "不用再报，原来的一条还在",
    "entry.already_reversed": "不用再冲正，流水里已有冲正记录",
}


def way_out(row: dict[str, Any]) -> str:
    """What to do about an error of the catalogue."""
    return OF_CODES.get(row["code"]) or OF_STATUSES[row["status"]]
