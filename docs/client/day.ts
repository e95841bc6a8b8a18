// 党员的一天和书记的一天：类型全部来自 ../openapi.json，字段写错、漏了编号，编译就不过。
// 用法见 README.md：npm run day -- http://127.0.0.1:8000
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["ProblemOut"];
const baseUrl = process.argv[2] ?? "http://127.0.0.1:8000";
const password = "Demo-2026-party";
// 每次创建或决定用一个新编号；没收到应答时，用原来的编号再发一次，不会重复。
const once = () => ({ header: { "Idempotency-Key": randomUUID() } });

/** 取出应答；出错时说出服务端写给人看的那句话。 */
async function answer<T>(call: Promise<{ data?: T; error?: Problem; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Error(`${response.status} ${error?.code} ${error?.detail}（${error?.request_id}）`);
  return data as T;
}

async function signIn(phone: string): Promise<Client<paths>> {
  const client = createClient<paths>({ baseUrl });
  const body = { grant: "password", phone, password, device_name: "示例客户端" } as const;
  const tokens = await answer(client.POST("/api/v1/auth/sessions", { body }));
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${tokens.access_token}` } });
}

// 党员：报一次服务。
const member = await signIn("13800000001");
const me = await answer(member.GET("/api/v1/me"));
const startsAt = new Date(Date.now() - 26 * 3600_000 - Math.floor(Math.random() * 20 * 3600_000));
const service = await answer(member.POST("/api/v1/service-records", {
  params: once(),
  body: {
    title: "清扫社区花坛", organiser: "梧桐里社区居委会", place: "梧桐里花园",
    starts_at: startsAt.toISOString(), ends_at: new Date(startsAt.getTime() + 3600_000).toISOString(),
    planned_minutes: 60, claimed_minutes: 60,
  },
}));
// 一月初报上年的服务，分记在上年。
const ofYear = { params: { query: { year: Number(service.happened_on.slice(0, 4)) } } };
const before = await answer(member.GET("/api/v1/me/points", ofYear));
console.log(`${me.name}报了“${service.title}”，已有 ${before.total} 分`);

// 书记：看待审的，通过这一项，其余的不动。
const secretary = await signIn("13800000002");
const queue = await answer(secretary.GET("/api/v1/orgs/{organization_id}/claims", {
  params: { path: { organization_id: me.organization_id! }, query: { limit: 200 } },
}));
const claim = queue.items.find((waiting) => waiting.id === service.claim_id);
assert(claim, "书记的待审清单里有这一项");
const review = await answer(secretary.POST("/api/v1/claims/review", {
  params: once(),
  body: { decisions: [{ id: claim.id, version: claim.version, action: "approve" }] },
}));
const result = review.results[0]!;
assert.equal(result.outcome, "approved");

// 填错了：服务端用一句人话说错在哪里，什么也没有发生。
await assert.rejects(answer(secretary.POST("/api/v1/claims/review", {
  params: once(), body: { decisions: [{ id: claim.id, version: 0, action: "approve" }] },
})), /^Error: 422 validation /);

// 党员：每一分都说得出来历。
const why = await answer(member.GET("/api/v1/points/entries/{entry_id}/explain", {
  params: { path: { entry_id: result.entry_id! } },
}));
console.log(`通过，计 ${result.points} 分：\n  ${why.steps.join("\n  ")}`);
const after = await answer(member.GET("/api/v1/me/points", ofYear));
assert.equal(Number(after.total).toFixed(2), (Number(before.total) + Number(result.points)).toFixed(2));
