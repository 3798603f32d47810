/** The HTTP API: one function for each question. A server that wants a key makes the page ask for it, once. */

import { parse, write } from "./exact.js";
import { t } from "./i18n.js";
import { askForKey } from "./key.js";
import { remember, remembered } from "./storage.js";

/** What went wrong, in the words of the API. */
export class ApiError extends Error {
  constructor(status, error = {}, requestId = null) {
    super(error.problem ?? t("error.status", { status }));
    Object.assign(this, { status, requestId, expected: error.expected, got: error.got, remedy: error.remedy });
  }
}

let asking = null;

async function request(method, path, body) {
  const key = remembered("key", "sessionStorage");
  const headers = { ...(key && { "X-API-Key": key }), ...(body && { "Content-Type": "application/json" }) };
  let answer, text;
  try {
    answer = await fetch(new URL(path, document.baseURI), { method, headers, body: body && write(body) });
    text = await answer.text();
  } catch {
    throw new ApiError(0, { problem: t("error.unreachable"), remedy: t("error.unreachable.remedy") });
  }
  if (answer.status === 401) return withKey(key, () => request(method, path, body));
  if (!answer.ok) throw errorOf(answer.status, text);
  return parse(text);
}

async function withKey(refused, again) {
  if (remembered("key", "sessionStorage") === refused) {
    asking ??= askForKey(refused !== null).finally(() => (asking = null));
    remember("key", await asking, "sessionStorage");
  }
  return again();
}

function errorOf(status, text) {
  try {
    const { error, request_id: requestId } = parse(text);
    return new ApiError(status, error, requestId);
  } catch {
    return new ApiError(status);
  }
}

const query = (values) => `?${new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""))}`;
const inPath = (id) => encodeURIComponent(String(id));

export const shoppers = (values) => request("GET", `users${query(values)}`);
export const shopper = (id, limit) => request("GET", `users/${inPath(id)}${query({ limit })}`);
export const items = (values) => request("GET", `items${query(values)}`);
export const item = (id) => request("GET", `items/${inPath(id)}`);
export const similar = (id, k) => request("GET", `items/${inPath(id)}/similar${query({ k })}`);
export const categories = () => request("GET", "categories");
export const sendEvents = (events) => request("POST", "events", events);
export const dashboard = (hours) => request("GET", `dashboard/data${query({ hours })}`);

/** The answer, and the milliseconds until it was here. */
export async function recommend(question) {
  const start = performance.now();
  const answer = await request("POST", "recommendations", question);
  return { answer, milliseconds: performance.now() - start };
}
