"""Words about people, organisations, rosters, migrants and signing in."""

# ruff: noqa: S106 - words about passwords, and no passwords
from api.dictionaries.dictionary import named, worded
from members.access_models import Role
from members.consent_models import ConsentPurpose
from members.migrant_models import CardOutcome, PlacementStatus, RegistrationStatus, TouchKind
from members.models import (
    AffiliationKind,
    ExemptionKind,
    MemberClass,
    MemberKind,
    MembershipStatus,
    OrganizationKind,
    Sector,
)
from members.organizations import KIND_NAMES
from members.privacy_models import NumberKind
from members.role_rules import ROLE_NAMES
from members.roster.models import ImportStatus, RowOutcome, UndoResult
from members.session_models import CodePurpose, SessionEnd, SignInMeans
from members.transfer_models import TransferStatus
from members.transfer_reading import Direction

WORDS = {
    "organization_kind": named(OrganizationKind, KIND_NAMES),
    "sector": worded(
        Sector,
        village="村",
        community="社区",
        office="机关",
        public_institution="事业单位",
        state_enterprise="国有企业",
        private_enterprise="非公有制企业",
        joint="联合",
        other="其他",
    ),
    "role": named(Role, ROLE_NAMES),
    "member_kind": worded(MemberKind, full_member="正式党员", probationary_member="预备党员"),
    "membership_status": worded(
        MembershipStatus,
        normal="正常",
        suspended="停止党籍",
        restored="已恢复党籍",
        removed="已除名",
        expelled="开除党籍",
    ),
    "member_class": worded(
        MemberClass,
        post_holder="任职党员",
        ordinary="普通党员",
        migrant="流动党员",
        aged_or_frail="老弱党员",
    ),
    "affiliation_kind": worded(
        AffiliationKind,
        primary="组织关系",
        migrant_host="流入地编入",
        community_registration="社区报到",
        temporary="临时编入",
    ),
    "exemption_kind": worded(
        ExemptionKind,
        aged="年老",
        limited_mobility="行动不便",
        long_term_care="长期照护",
        long_leave="长期请假",
        abroad="出国（境）",
        organization_decision="组织决定",
    ),
    "number_kind": worded(NumberKind, phone="手机号", id_number="身份证号"),
    "consent_purpose": worded(
        ConsentPurpose,
        publish_service_record="公开志愿服务记录",
        verify_service_sheet="核验志愿服务记录单",
        host_contact="流入地党支部查看手机号",
    ),
    "import_status": worded(
        ImportStatus,
        uploaded="已上传",
        checked="已检查",
        committing="正在导入",
        committed="已导入",
        rolling_back="正在撤销",
        rolled_back="已撤销",
    ),
    "import_row_outcome": worded(
        RowOutcome,
        new="新增",
        changed="变更",
        unchanged="没有变化",
        refused="没有采用",
        not_in_file="不在名单",
    ),
    "import_undo_result": worded(UndoResult, undone="已撤销", kept="保留"),
    "transfer_status": worded(
        TransferStatus, sent="转接中", accepted="已接收", returned="已退回", withdrawn="已撤回"
    ),
    "transfer_direction": worded(Direction, out="转出", **{"in": "转入"}),
    "migrant_registration_status": worded(
        RegistrationStatus,
        proposed="待登记",
        declined="未登记",
        withdrawn="已撤回",
        open="外出中",
        closed="已返回",
    ),
    "host_placement_status": worded(
        PlacementStatus,
        asked="待接收",
        declined="未接收",
        accepted="已编入",
        ended="已结束",
        withdrawn="已撤回",
    ),
    "migrant_touch_kind": worded(
        TouchKind,
        answered_call="打通电话",
        reply="收到回复",
        visit="见到本人",
        host_confirmed="流入地确认",
    ),
    "card_outcome": worded(CardOutcome, checked="已查验", lost="已遗失", lapsed="已失效"),
    "sign_in_means": worded(
        SignInMeans, password="密码", sms="短信验证码", wechat="微信", ticket="协助登录码"
    ),
    "session_end": worded(
        SessionEnd,
        signed_out="本人退出",
        revoked="本人移除",
        password_changed="修改了密码",
        account_reissued="重新发放账号",
        account_disabled="账号已停用",
        token_reused="凭证被重复使用",
    ),
    "sms_code_purpose": worded(CodePurpose, sign_in="登录", bind_wechat="绑定微信"),
}
