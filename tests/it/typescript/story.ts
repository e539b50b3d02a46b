// The platform's story as a front end written in TypeScript would tell it: every path, body and answer below is checked
// against the types made from the OpenAPI document. It is compiled, not run.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Profile = components["schemas"]["Profile"];
type Problem = components["schemas"]["Problem"];

const api = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });

function sentence(problem: Problem): string {
  const fields = (problem.errors ?? []).map((field) => `${field.pointer}: ${field.detail}`);
  return [problem.detail, ...fields, problem.traceId].join("\n");
}

async function signIn(phone: string, code: string): Promise<string> {
  const options = await api.GET("/api/v1/auth/options");
  const statement = options.data?.legalStatement;
  if (statement === undefined) throw new Error("no legal statement");
  const sent = await api.POST("/api/v1/auth/sms/codes", { body: { phone } });
  if (sent.error !== undefined) throw new Error(sentence(sent.error));
  const seconds: number = sent.data.retryAfterSeconds;
  const login = await api.POST("/api/v1/auth/sms/login", {
    body: { phone, code, consent: { statementVersion: statement.version }, session: "bearer" },
  });
  if (login.data?.token === undefined) throw new Error(`wait ${seconds} s`);
  return login.data.token;
}

export async function becomeAPark(phone: string, code: string, profile: Profile): Promise<string[]> {
  const headers = { authorization: `Bearer ${await signIn(phone, code)}` };
  const opened = await api.POST("/api/v1/provider-applications", {
    headers,
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { kind: "park", profile: { ...profile, totalAreaSqm: "48000.50" } },
  });
  if (opened.error !== undefined) throw new Error(sentence(opened.error));
  const path = { id: opened.data.id };
  const submitted = await api.POST("/api/v1/provider-applications/{id}/submit", {
    headers,
    params: { path, header: { "If-Match": `"${opened.data.version}"` } },
    body: {},
  });
  const token = submitted.response.headers.get("Consistency-Token") ?? undefined;
  const shown = await api.GET("/api/v1/provider-applications/{id}", {
    headers,
    params: { path, header: token === undefined ? {} : { "Consistency-Token": token } },
  });
  const notes = (shown.data?.revisions ?? []).flatMap((revision) => revision.decision?.fields ?? []);
  const mine = await api.GET("/api/v1/parks/mine", { headers, params: { query: { limit: 20, page: 1 } } });
  const names: string[] = (mine.data?.items ?? []).map((park) => park.name);
  return [...notes.map((note) => `${note.pointer}: ${note.note}`), ...names];
}

export async function review(headers: { authorization: string }, id: string): Promise<void> {
  await api.POST("/api/v1/reviews/{kind}/{id}/claim", {
    headers,
    params: { path: { kind: "providerApplication", id } },
    body: {},
  });
  await api.POST("/api/v1/provider-applications/{id}/return", {
    headers,
    params: { path: { id } },
    body: { reason: "地址与营业执照不一致", fields: [{ pointer: "/address", note: "请核对" }] },
  });
}

export async function upload(headers: { authorization: string }, file: Blob, name: string): Promise<string> {
  const uploaded = await api.POST("/api/v1/files", {
    headers,
    body: { file: "" },
    bodySerializer: () => {
      const form = new FormData();
      form.append("file", file, name);
      return form;
    },
  });
  if (uploaded.error !== undefined) throw new Error(sentence(uploaded.error));
  return uploaded.data.id;
}

// What must not compile: the types are as strict as the server.
export async function mistakes(id: string): Promise<void> {
  // @ts-expect-error there is no such path
  await api.GET("/api/v1/castles");
  // @ts-expect-error a park is no castle
  await api.POST("/api/v1/provider-applications", { body: { kind: "castle", profile: {} } });
  // @ts-expect-error decimals are strings
  await api.POST("/api/v1/provider-applications", { body: { kind: "park", profile: { longitude: 109.1 } } });
  // @ts-expect-error a rejection needs its reason
  await api.POST("/api/v1/provider-applications/{id}/reject", { params: { path: { id } }, body: {} });
}
