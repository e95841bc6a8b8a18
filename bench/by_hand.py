"""The hand-written limit of P1 and P2: Flask and psycopg, one statement each, no checks."""

import os
import threading

import flask
import psycopg

APPROVE = """
WITH decided AS (
  UPDATE claim SET status = 'approved', posted_ref = id, decided_by = %(actor)s, decided_at = now(),
    version = version + 1
  WHERE id = %(id)s AND status = 'pending'
  RETURNING id, member_id, organization_id, item_code, title, happened_on, quantity
), held AS (
  INSERT INTO points_quota (member_id, scheme_code, bucket, used, cap)
  SELECT member_id, 'member-points', 'hand', quantity / 30 * 50, 100000000 FROM decided
  ON CONFLICT (member_id, scheme_code, bucket)
  DO UPDATE SET used = points_quota.used + excluded.used
), noted AS (
  INSERT INTO claim_event (id, claim_id, kind, actor_id, reason, at)
  SELECT gen_random_uuid(), id, 'approved', %(actor)s, '', now() FROM decided
), told AS (
  INSERT INTO outbox_message
    (id, dedupe_key, member_id, kind, channel, params, state, not_before, created_at,
     occasion, template_version, attempts, is_urgent)
  SELECT gen_random_uuid(), id::text, member_id, 'claim_approved', 'inbox',
    jsonb_build_object('title', title, 'points', '1', 'note', ''), 'pending', now(), now(),
    id::text, 1, 0, false
  FROM decided
)
INSERT INTO ledger_entry (id, claim_id, member_id, organization_id, period_id, scheme_version_id,
  item_code, component_code, title, happened_on, asked, points, binding_cap, inputs, reason,
  actor_id, request_id, posted_at, subject)
SELECT gen_random_uuid(), id, member_id, organization_id, %(period)s, %(scheme)s, item_code,
  'bonus', title, happened_on, quantity / 30 * 50, quantity / 30 * 50, NULL,
  jsonb_build_object('quantity', quantity), '', %(actor)s, 'bench', now(),
  'party_members'
FROM decided RETURNING id, points
"""
BALANCE = """
SELECT component_code, sum(points) FROM ledger_entry
WHERE member_id = %(member)s GROUP BY component_code
"""

app = flask.Flask(__name__)
_local = threading.local()


def _connection() -> psycopg.Connection[tuple[object, ...]]:
    if not hasattr(_local, "connection"):
        url = os.environ["PARTY_POINTS_DATABASE_URL"].replace("+psycopg", "")
        _local.connection = psycopg.connect(url, autocommit=True)
    return _local.connection  # type: ignore[no-any-return]


@app.post("/approve")
def approve() -> flask.Response:
    row = _connection().execute(APPROVE, flask.request.get_json()).fetchone()
    assert row is not None
    return flask.jsonify({"entry_id": str(row[0]), "points": row[1]})


@app.get("/points/<member>")
def points(member: str) -> flask.Response:
    rows = _connection().execute(BALANCE, {"member": member}).fetchall()
    return flask.jsonify({str(code): str(total) for code, total in rows})
