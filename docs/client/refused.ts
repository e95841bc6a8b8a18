// 这些写法必须编译不过：哪一处不再报错，@ts-expect-error 自己就成了错误。
import type { Client } from "openapi-fetch";
import type { paths } from "./schema.js";

export function refused(client: Client<paths>, id: string): void {
  // @ts-expect-error 没有这个地址。
  void client.GET("/api/v1/me/ranking");
  // @ts-expect-error 作决定要带 Idempotency-Key。
  void client.POST("/api/v1/claims/review", { body: { decisions: [{ id, version: 1, action: "approve" }] } });
  const params = { header: { "Idempotency-Key": id } };
  // @ts-expect-error 没有这种决定。
  void client.POST("/api/v1/claims/review", { params, body: { decisions: [{ id, version: 1, action: "delete" }] } });
}
