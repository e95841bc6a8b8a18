#!/usr/bin/env bash
# 从导入名册到冲正一笔积分，按真实顺序走一遍。先在另一个终端里 make run，再执行：
#   bash docs/tour.sh [http://127.0.0.1:8000]
# 只需要 bash、curl 和 python3。每一步都核对结果，不符即停；同一个库可以反复走。
set -euo pipefail
export PYTHONUTF8=1
cd "$(dirname "$0")/.."

base="${1:-http://127.0.0.1:8000}/api/v1"
password="Demo-2026-party"
secretary_phone=13800000002 admin_phone=13800000004 auditor_phone=13800000005
# 第二章里的受托人：演示党员李静。
delegate_phone=13800000001
roster=tests/data/roster_national_19.xlsx
# 样例名册第 46 行：书记所在支部的一名党员，人物和号码均为虚构。
member_name=田兰波 member_phone=19065229454 member_password="Tour-$(date +%s)-red"

token=""
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
fail() { printf '   ✗ %s\n' "$*" >&2; cut -c1-600 "$work/body" >&2; exit 1; }

new_key() { python3 -c 'import uuid; print(uuid.uuid4())'; }

# call 方法 路径 期望状态 [curl 的其他参数]：应答存入 $work/body，应答头存入 $work/headers。
# 每次 POST 一个新编号；同一操作要重发时，先把编号存在 key 里。
key=""
call() {
  local method=$1 path=$2 expected=$3 status
  shift 3
  [ "$method" != POST ] || set -- -H "Idempotency-Key: ${key:-$(new_key)}" "$@"
  : >"$work/body"
  status=$(curl --noproxy '*' -sS -m 60 -X "$method" "$base$path" -H "Authorization: Bearer $token" \
    -o "$work/body" -D "$work/headers" -w '%{http_code}' "$@") || fail "$method $path 没有应答"
  [ "$status" = "$expected" ] || fail "$method $path 答 $status，应答 $expected"
  printf '   %s %s → %s\n' "$method" "${path:0:90}" "$status"
}
send() { call "$1" "$2" "$3" -H 'Content-Type: application/json' -d "$4"; }

# 应答是 it；value 取一个值，show 显示一段，check 核对一句。
value() { python3 -c 'import json,sys; it=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$work/body" "$1"; }
show() {
  python3 -c '
import json, sys
text = json.dumps(eval(sys.argv[2], {"it": json.load(open(sys.argv[1]))}), ensure_ascii=False)
print("   " + (text if len(text) <= 300 else text[:300] + " …"))' "$work/body" "$1"
}
check() { [ "$(value "bool($1)")" = True ] || fail "应当：$2"; printf '   ✓ %s\n' "$2"; }

# header 取一个应答头；said 核对它。
header() { sed -n "s/^$1: *//Ip" "$work/headers" | tr -d '\r'; }
said() { [ "$(header "$1")" = "$2" ] || fail "应当：$3"; printf '   ✓ %s\n' "$3"; }

# sign_in 手机号 密码 [这台手机的名字]
sign_in() {
  token=""
  send POST /auth/sessions 201 "{\"grant\":\"password\",\"phone\":\"$1\",\"password\":\"$2\",\"device_name\":\"${3:-}\"}"
  token=$(value "it['access_token']")
}

wait_for_job() {
  local job state=queued
  job=$(value "it['id']")
  for _ in $(seq 1 120); do
    call GET "/jobs/$job" 200 >/dev/null
    state=$(value "it['state']")
    case $state in done | failed) break ;; esac
    sleep 0.5
  done
  printf '   GET /jobs/{id} → %s\n' "$state"
  check "it['state'] == 'done'" "后台任务做完了（make run 里的后台进程做的）"
}

# 第 N 天前的一小时志愿服务；起始时刻随当前时间变，再走一遍时不会撞上。
service() {
  python3 - "$1" <<'PY'
import datetime, json, sys, time
today = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).replace(
    hour=8, minute=0, second=0, microsecond=0)
start = today - datetime.timedelta(days=int(sys.argv[1])) + datetime.timedelta(seconds=time.time() // 7 % 36000)
print(json.dumps({"title": "清扫社区花坛", "organiser": "梧桐里社区居委会", "place": "梧桐里花园",
    "starts_at": start.isoformat(), "ends_at": (start + datetime.timedelta(hours=1)).isoformat(),
    "planned_minutes": 60, "claimed_minutes": 60}, ensure_ascii=False))
PY
}

# 本年与上年合计（一月份走时，几天前的服务属上年），单位是百分之一分。
read_balance() {
  local year cents=0 y
  year=$(python3 -c 'import time; print(time.gmtime(time.time() + 8 * 3600).tm_year)')
  for y in $((year - 1)) "$year"; do
    call GET "/me/points?year=$y" 200
    cents=$((cents + $(value "round(float(it['provisional']) * 100)")))
  done
  show "{k: it[k] for k in ('year', 'total', 'provisional', 'confirmed', 'pending_claims')}"
  balance=$cents
}

step "1. 区级管理员登录"
sign_in $admin_phone "$password"
call GET /me 200
show "{'name': it['name'], 'roles': [held['role'] for held in it['roles']]}"
district=$(value "it['roles'][0]['organization_id']")

step "2. 上传样例名册（1200 行，夹带各种毛病）"
call POST /admin/imports 201 -F "file=@$roster" -F "organization_id=$district"
import=$(value "it['id']")
show "[[c['header'], c['field']] for c in it['columns'] if c['is_imported']]"

step "3. 检查：还没有改动名册"
call POST "/admin/imports/$import/check" 202
wait_for_job
call GET "/admin/imports/$import" 200
show "it['counts']"
check "it['counts']['new'] + it['counts']['unchanged'] + it['counts']['changed'] > 1000" "一千多行可以导入"
check "it['counts']['refused'] > 0" "有毛病的行被退回"
call GET "/admin/imports/$import/rows?outcome=refused&limit=3" 200
show "[[row['row_number'], row['problems'][0]['message']] for row in it['items']]"

step "4. 导入没有问题的行"
call POST "/admin/imports/$import/commit" 202
wait_for_job
call GET "/admin/imports/$import" 200
check "it['status'] == 'committed' and it['undo_until']" "已导入，七天内可以撤销"

step "5. 支部书记在名册里找到新导入的${member_name}，给他发一次性密码"
sign_in $secretary_phone "$password"
call GET /me 200
branch=$(value "it['organization_id']")
cursor="" member=""
while [ -z "$member" ]; do
  call GET "/orgs/$branch/members?limit=100${cursor:+&cursor=$cursor}" 200
  member=$(value "next((m['id'] for m in it['items'] if m['name'] == '$member_name'), '')")
  cursor=$(value "it['next_cursor'] or ''")
  [ -n "$member$cursor" ] || fail "名册里应有$member_name"
done
show "next(m for m in it['items'] if m['name'] == '$member_name')"
call POST "/members/$member/account" 201
temporary=$(value "it['temporary_password']")
check "len(it['temporary_password']) >= 10" "一次性密码只显示这一次"

step "6. ${member_name}用一次性密码登录，必须先改密码"
sign_in $member_phone "$temporary"
check "it['must_change_password']" "须先修改密码"
call GET /me/points 403
show "[it['code'], it['title']]"
send PUT /auth/password 204 "{\"old\":\"$temporary\",\"new\":\"$member_password\"}"
call GET /me 200
check "not it['must_change_password']" "改好了，这台手机接着用，不用重新登录"
read_balance
before=$balance

step "7. 申报六次志愿服务：记录一次，申报同时完成"
claims=""
for day in 1 2 3 4 5 6; do
  body=$(service $day)
  send POST /service-records 201 "$body"
  claims="$claims $(value "it['claim_id']")"
done
show "{k: it[k] for k in ('title', 'happened_on', 'claimed_minutes', 'flags', 'claim_status')}"
send POST /service-records 409 "$body"
check "it['code'] == 'claim.duplicate'" "同一次服务重复提交，只算一次"
key=$(new_key) body='{"purpose":"verify_service_sheet","text_version":1,"is_given":true}'
send POST /me/consents 201 "$body"
decided=$(value "it['decided_at']")
send POST /me/consents 201 "$body"
check "it['decided_at'] == '$decided'" "没收到应答时用同一编号再发：仍是那一次，应答照样给出"
key=""

step "8. 书记一次处理六项：通过五项，退回一项并写明理由"
sign_in $secretary_phone "$password"
call GET "/orgs/$branch/claims/counts" 200
show "it"
send POST /claims/review 200 "$(python3 -c '
import json, sys
decisions = [{"id": claim, "version": 1, "action": "approve"} for claim in sys.argv[1:]]
decisions[-1] |= {"action": "return", "reason": "请写明服务了哪几户"}
print(json.dumps({"decisions": decisions}, ensure_ascii=False))' $claims)"
show "[[r['outcome'], r['points'], r['message']] for r in it['results']]"
check "[r['outcome'] for r in it['results']] == ['approved'] * 5 + ['returned']" "五项通过，一项退回"
granted=$(value "sum(round(float(r['points']) * 100) for r in it['results'][:5])")
entry=$(value "max(it['results'][:5], key=lambda r: float(r['points']))['entry_id']")
entry_points=$(value "max(round(float(r['points']) * 100) for r in it['results'][:5])")
contested=$(value "next(r['entry_id'] for r in it['results'][:5] if r['entry_id'] != '$entry')")
send POST /claims/review 200 "{\"decisions\":[{\"id\":\"${claims:1:36}\",\"version\":1,\"action\":\"approve\"}]}"
check "it['results'][0]['code'] == 'claim.already_decided'" "再点一次通过不会重复计分"

step "9. 台账和这一笔的来历"
call GET "/orgs/$branch/points/ledger?limit=5" 200
show "[[e['seq'], e['member_name'], e['title'], e['asked'], e['points']] for e in it['items']]"
check "[e['member_name'] for e in it['items']] == ['$member_name'] * 5" "最新五笔都是${member_name}的"
call GET "/points/entries/$entry/explain" 200
python3 -c 'import json,sys; [print("   ·", line) for line in json.load(open(sys.argv[1]))["steps"]]' "$work/body"

step "10. 书记冲正其中一笔：不改旧账，另记一笔"
send POST "/points/entries/$entry/reversal" 201 '{"reason":"重复申报，当事人已确认"}'
show "{k: it[k] for k in ('reverses_id', 'points', 'reason')}"
send POST "/points/entries/$entry/reversal" 409 '{"reason":"重复申报，当事人已确认"}'
check "it['code'] == 'entry.already_reversed'" "一笔只能冲正一次"

step "11. ${member_name}看积分和消息"
sign_in $member_phone "$member_password"
read_balance
[ "$((balance - before))" = "$((granted - entry_points))" ] || fail "积分应增加 $((granted - entry_points))/100 分，实际 $((balance - before))/100"
printf '   ✓ 积分增加的正是通过的减去冲正的\n'
told="sorted(m['kind'] for m in it['items']) == ['claim_approved'] * 5 + ['claim_returned', 'entry_reversed']"
for _ in $(seq 1 40); do
  call GET "/me/messages?limit=7" 200 >/dev/null
  [ "$(value "$told")" = True ] && break
  sleep 0.5
done
printf '   GET /me/messages → 200\n'
check "$told" "五条通过、一条退回、一条冲正，都在站内消息里"
show "[m['body'] for m in it['items']]"

step "12. 审计员看得到每一笔，但什么也改不了"
sign_in $auditor_phone "$password"
call GET "/orgs/$district/points/ledger?limit=1" 200
check "it['items'][0]['reverses_id'] == '$entry'" "最新一笔就是那次冲正"
send POST /claims/review 403 "{\"decisions\":[{\"id\":\"${claims:1:36}\",\"version\":2,\"action\":\"approve\"}]}"
show "[it['code'], it['title']]"

step "13. 第二章 主题党日：不用手机也能到会，点名一次完成"
sign_in $secretary_phone "$password"
send POST "/orgs/$branch/activities" 201 "$(python3 -c '
import json
from datetime import datetime, timedelta, timezone
start = datetime.now(timezone(timedelta(hours=8))).replace(microsecond=0) - timedelta(minutes=5)
print(json.dumps({"kind": "theme_day", "tags": ["fixed_study_day"], "title": "主题党日：走访慰问",
    "place": "党群活动室", "starts_at": start.isoformat(),
    "ends_at": (start + timedelta(hours=1)).isoformat()}, ensure_ascii=False))')"
activity=$(value "it['id']")
call POST "/activities/$activity/publish" 200
call GET "/activities/$activity/code" 200
digits=$(value "it['digits']")
show "it['note']"
sign_in $member_phone "$member_password"
send POST /check-ins 200 "{\"activity_id\":\"$activity\",\"digits\":\"$digits\"}"
check "it['status'] == 'present'" "${member_name}输入六位数字签到"
sign_in $secretary_phone "$password"
call GET "/activities/$activity/attendance" 200
away=$(value "[m['member_id'] for m in it['items'] if m['status'] is None and m['is_expected'] and m['name'] != '陈建国'][-1]")
call GET "/orgs/$branch/contact-worklist" 200
# 正在查找的人不会到会；点成到会，就等于有了联系。
missing=$(value "','.join('{\"member_id\":\"%s\",\"mark\":\"absent_unexcused\"}' % one for one in sorted({m['member_id'] for m in it['items']}))")
send POST "/activities/$activity/roll-call" 200 "{\"default\":\"present\",\"items\":[{\"member_id\":\"$away\",\"mark\":\"leave_approved\",\"reason\":\"电话请假\"}${missing:+,$missing}]}"
check "len(it['results']) > 30 and not any(r['outcome'] == 'refused' for r in it['results'])" "其余全到，只点例外：一次请求"
send POST "/activities/$activity/close" 200 '{"presumes_absence":false}'
show "[it['counts'], it['entries']]"
check "it['entries'] > 20" "结束即计分，不用再申报"
call GET "/activities/$activity/attendance" 200
show "it['rates']"

step "14. 承诺践诺：写下、审核、公开、完成；评定之后才计分"
sign_in $member_phone "$member_password"
send POST /pledges 201 "$(python3 -c '
import json
from datetime import datetime, timedelta, timezone
today = datetime.now(timezone(timedelta(hours=8))).date()
print(json.dumps({"kind": "ad_hoc_pledge", "category": "service",
    "title": f"冬季为独居老人送菜（{datetime.now():%H:%M:%S}）",
    "content": "每周两次，送到家门口。", "target": "送满八次", "beneficiary": "本社区独居老人",
    "year": today.year, "due_on": str(today)}, ensure_ascii=False))')"
pledge=$(value "it['id']")
call POST "/pledges/$pledge/submit" 200
version=$(value "it['version']")
sign_in $secretary_phone "$password"
today=$(TZ=Asia/Shanghai date +%F)
send POST "/pledges/$pledge/approve" 200 "{\"version\":$version,\"body\":\"branch_committee\",\"meeting_on\":\"$today\",\"reference\":\"支委会记录第 9 号\"}"
send POST "/pledges/$pledge/publish" 200 "{\"version\":$(value "it['version']")}"
sign_in $member_phone "$member_password"
send POST "/pledges/$pledge/report-fulfilment" 200 '{"note":"已送满八次。"}'
version=$(value "it['version']")
call GET "/pledges/$pledge" 200
check "it['evaluations'] == []" "自报完成不计分"
sign_in $secretary_phone "$password"
send POST "/pledges/$pledge/evaluate" 200 "{\"version\":$version,\"member_rating\":\"优\",\"masses_rating\":\"良\",\"organization_rating\":\"良\",\"grade\":\"良\",\"body\":\"general_meeting\",\"meeting_on\":\"$today\",\"reference\":\"党员大会记录第 4 号\"}"
check "it['status'] == 'evaluated'" "党员大会评定为“良”"
call GET "/pledges/$pledge" 200
show "it['evaluations']"
check "it['evaluations'][-1]['entry_id']" "评定之后才有了一笔积分"

step "15. 公示：先预览，再公示；没有手机号和身份证号，不排名"
month=$(TZ=Asia/Shanghai date +%Y-%m)
call GET "/orgs/$branch/bulletins/preview?month=$month" 200
show "it['rows'][:2]"
call GET "/orgs/$branch/bulletins?limit=200" 200
if [ "$(value "any(b['month'] == '$month' for b in it['items'])")" = False ]; then
  send POST "/orgs/$branch/bulletins" 201 "{\"month\":\"$month\"}"
  show "{k: it[k] for k in ('month', 'ends_on', 'working_days', 'entries', 'sha256')}"
fi

step "16. ${member_name}对自己的一笔提出异议；批准的人不能答复，由受托的李静答复"
sign_in $member_phone "$member_password"
send POST "/points/entries/$contested/objections" 201 '{"reason":"这一次我没有参加，请核对"}'
objection=$(value "it['id']")
show "{k: it[k] for k in ('status', 'reply_due_on')}"
sign_in $secretary_phone "$password"
send POST "/objections/$objection/decision" 403 '{"verdict":"rejected","reply":"维持原记录"}'
show "[it['code'], it['title']]"
until=$(TZ=Asia/Shanghai date -d '+20 days' +%F)
sign_in $delegate_phone "$password"
call GET /me 200
delegate=$(value "it['member_id']")
sign_in $secretary_phone "$password"
send PUT "/orgs/$branch/delegations/$delegate" 200 "{\"until\":\"$until\"}"
sign_in $delegate_phone "$password"
send POST "/objections/$objection/decision" 200 '{"verdict":"upheld","reply":"经核对签到表，情况属实，已更正。"}'
check "it['reversal_id']" "异议成立，同时冲正"

step "17. 方案是数据：禁止的项目存不进去，改动先模拟"
sign_in $admin_phone "$password"
call GET "/schemes?status=published&subject=party_members" 200
scheme=$(value "next(s['id'] for s in it['items'] if s['organization_id'] == '$district')")
call GET "/schemes/$scheme/yaml" 200
python3 - "$work/body" >"$work/forbidden.json" <<'PY'
import json, sys
import re
text = json.load(open(sys.argv[1], encoding="utf-8"))["yaml"]
item = "- {code: daily_login, name: 每日登录, component: bonus, event: manual, unit: occurrence, points: '1'}"
text = re.sub(r"^items:\n( *)", lambda m: f"{m[0]}{item}\n{m[1]}", text, count=1, flags=re.M)
print(json.dumps({"yaml": text}, ensure_ascii=False))
PY
call POST /schemes/validate 200 -H 'Content-Type: application/json' --data-binary "@$work/forbidden.json"
check "not it['is_valid'] and any(f['code'] == 'policy.forbidden_event' and f['line'] for f in it['errors'])" "每日登录计分：第几行、为什么，都说清楚"
show "[(f['line'], f['message']) for f in it['errors'][:2]]"
send POST /schemes 201 "{\"organization_id\":\"$district\",\"copy_of\":\"$scheme\"}"
draft=$(value "it['id']")
send POST "/schemes/$draft/simulate" 202 "{\"year\":$(TZ=Asia/Shanghai date +%Y)}"
simulation=$(value "it['subject_id']")
wait_for_job
call GET "/scheme-simulations/$simulation" 200
show "{k: it[k] for k in ('examined', 'changed', 'mean_delta')}"
check "it['examined'] > 100 and it['changed'] == 0" "没有改动的草稿，谁的分也不变"

step "18. 志愿服务记录单：免费，凭核验码可查；上一年度已封存"
sign_in $delegate_phone "$password"
call GET /me/consents 200
for purpose in $(value "' '.join(c['purpose'] for c in it['items'])"); do
  send POST /me/consents 201 "{\"purpose\":\"$purpose\",\"text_version\":$(value "it.get('text_version') or it['items'][0]['text_version']"),\"is_given\":true}"
done
send POST /me/service-records-sheets 201 "{\"kind\":\"record\",\"from\":\"$(TZ=Asia/Shanghai date -d '-300 days' +%F)\",\"to\":\"$today\"}"
code=$(value "it['verify_code']")
show "{k: it[k] for k in ('heading', 'number', 'hours', 'verify_code')}"
token=""
call GET "/verify/$code" 200
show "it"
check "it['is_valid'] and '*' in it['masked_name']" "任何人凭码可核验，姓名打码"
sign_in $delegate_phone "$password"
call GET /me/statements 200
check "len(it['items']) >= 1" "上一年度的结账单已封存"

step "19. 一票否决：有文号，先告知本人，由上级另一人确认，告知期满才生效"
sign_in $secretary_phone "$password"
send POST "/orgs/$branch/points/adjustments" 201 "{\"item_code\":\"disciplined\",\"happened_on\":\"$today\",\"title\":\"受党内警告处分\",\"basis\":\"区积分方案一票否决条款\",\"document_number\":\"区纪决〔2026〕21 号\",\"entries\":[{\"member_id\":\"$member\"}]}"
veto=$(value "it['items'][0]['id']")
show "{k: it['items'][0][k] for k in ('status', 'document_number', 'objection_until')}"
check "it['items'][0]['status'] == 'pending'" "登记只是开始，分数没有变"
call POST "/points/adjustments/$veto/confirm" 403
show "[it['code'], it['title']]"
send POST "/points/adjustments/$veto/withdraw" 200 '{"reason":"处分决定书编号有误，核对后重报"}'

step "20. 待联系：名单说明为什么，查找有记录，谁看过也有记录；是否处理由人决定"
sign_in $secretary_phone "$password"
call GET "/orgs/$branch/contact-worklist" 200
show "[(one['name'], one['why']) for one in it['items'][:2]]"
case=$(value "next(one['case_id'] for one in it['items'] if one['clock'] == 'lost_contact')")
sought=$(value "next(one['member_id'] for one in it['items'] if one['clock'] == 'lost_contact')")
call GET "/contact-cases/$case" 200
show "it['gaps'][:3]"
tried=$(TZ=Asia/Shanghai date -d '-1 minute' +%FT%T+08:00)
send POST "/contact-cases/$case/attempts" 201 "{\"method\":\"message\",\"contacted\":\"nobody\",\"outcome\":\"awaiting_reply\",\"attempted_at\":\"$tried\"}"
call GET "/contact-cases/$case" 200
attempt=$(value "max(it['attempts_made'], key=lambda one: one['attempted_at'])['id']")
sign_in $delegate_phone "$password"
call GET "/contact-cases/$case" 403
call GET "/members/$sought/contact-standing" 404

step "21. 本人点一下“我在”：不用登录，链接只能用一次，查找随之结束"
sign_in $secretary_phone "$password"
call POST "/contact-cases/$case/attempts/$attempt/own-report-links" 201
link=$(value "it['path'].removeprefix('/api/v1')")
token=""
call GET "$link" 200
call POST "$link" 200
call POST "$link" 404
sign_in $secretary_phone "$password"
call GET "/members/$sought/contact-standing" 200
show "it['why']"
check "all(one['clock'] != 'lost_contact' for one in it['stages'])" "本人报告就是联系，重新计时；久不参加、不交费是另一回事，另外计"

step "22. 流动党员和组织关系转接：双方都看得见，接收前由转出支部负责；后台任务按时"
sign_in $admin_phone "$password"
call GET "/orgs/$district/migrants-away" 200
show "[(one['member_name'], one['city'], one['contact_name'], one['next_touch_on']) for one in it['items'][:2]]"
call GET "/orgs/$district/transfers?direction=out&status=sent" 200
show "[(one['sender_name'], one['receiver_name'], one['days_under_way'], one['step']) for one in it['items']]"
check "any(one['step'] for one in it['items'])" "满三十天未接收的，两边都会提醒"
token=""
call GET /readyz 200
show "[(one['name'], one['is_late']) for one in it['jobs']][:6]"

step "23. 第四章 手机：登录着的每一台都看得见，随时让一台退出"
sign_in $delegate_phone "$password" 旧手机
old=$token
sign_in $delegate_phone "$password" 新手机
call GET /me/sessions 200
show "[(one['device_name'], one['means'], one['is_current']) for one in it['sessions'][:3]]"
phone=$(value "next(one['id'] for one in it['sessions'] if one['device_name'] == '旧手机')")
call DELETE "/me/sessions/$phone" 204
new=$token token=$old
call GET /me 401
show "[it['code'], it['title']]"
token=$new

step "24. 没收到应答就原样重发：同一编号只办一次，应答照给；没有变化的不再下载"
key=$(new_key) body=$(service 8)
send POST /service-records 201 "$body"
record=$(value "it['id']")
send POST /service-records 201 "$body"
said Idempotent-Replayed true "应答头写明这是重放"
check "it['id'] == '$record'" "还是那一条记录"
send POST /service-records 422 "$(service 9)"
check "it['code'] == 'idempotency.mismatch'" "同一编号不能用来做另一件事"
key=""
call GET /me/statements 200
tag=$(header ETag)
call GET /me/statements 304 -H "If-None-Match: $tag"

step "25. 离线同步：先下载全部，以后只取变化"
since="" more=True pages=0
while [ "$more" = True ]; do
  call GET "/sync?limit=200${since:+&since=$since}" 200
  since=$(value "it['next']") more=$(value "it['more']") pages=$((pages + 1))
  [ "$pages" != 1 ] || show "{kind: len(rows) for kind, rows in it['changed'].items()}"
done
send POST /service-records 201 "$(service 10)"
record=$(value "it['id']")
came="any(one['id'] == '$record' for one in it['changed']['service_record'])"
for _ in $(seq 1 40); do
  call GET "/sync?since=$since" 200 >/dev/null
  [ "$(value "$came")" = True ] && break
  sleep 0.5
done
printf '   GET /sync?since=… → 200\n'
check "$came" "新记的一条来了"
check "sum(map(len, it['changed'].values())) < 10" "来的只是变化，不是全部"

step "26. 没有信号时记下的，有信号时一次补交：逐项给出结果"
body=$(service 11)
ops=$(python3 - "$body" "$(new_key)" "$(new_key)" <<'PY'
import json, sys
body, keys = json.loads(sys.argv[1]), sys.argv[2:]
print(json.dumps({"ops": [{"key": key, "operation": "create_service_record", "body": body} for key in keys]},
    ensure_ascii=False))
PY
)
send POST /outbox 200 "$ops"
show "[(one['outcome'], one['status'], (one['problem'] or {}).get('title')) for one in it['results']]"
check "[one['outcome'] for one in it['results']] == ['done', 'failed']" "一项办成，重复的一项说明为什么没办成"
send POST /outbox 200 "$ops"
check "all(one['is_replay'] for one in it['results'])" "再补交一次，什么也不重复"

step "27. 越权的请求被拒绝，也被记下：审计员找得到"
sign_in $member_phone "$member_password"
call GET "/members/$delegate" 404
call GET /me 200
asked_by=$(value "it['member_id']")
sign_in $auditor_phone "$password"
call GET "/audit/events?outcome=denied&actor=$asked_by&operation=get_member&limit=1" 200
show "[(one['actor_name'], one['operation'], one['outcome'], one['code']) for one in it['items']]"
check "it['items'][0]['objects'] == {'member_id': ['${delegate//-/}']}" "谁、什么时候、要看谁，都在审计记录里"

step "28. 看完整手机号须写明用途；谁看过自己的信息，本人随时可查"
sign_in $secretary_phone "$password"
send POST "/members/$asked_by/number-disclosures" 201 '{"purpose":"通知主题党日改期"}'
check "it['full_number'] == '$member_phone'" "号码完整显示这一次"
sign_in $member_phone "$member_password"
call GET /me/access-records 200
show "[(one['actor_name'], one['operation'], one['what']) for one in it['items'][:3]]"
check "it['items'][0]['actor_name'] == '陈建国' and 'phone' in it['items'][0]['what']" "最新一条就是书记这一次"
call GET /me/number-disclosures 200
check "it['items'][0]['purpose'] == '通知主题党日改期'" "连同用途"

printf '\n走完了，每一步都与预期相符。\n'
