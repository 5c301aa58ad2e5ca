// The service's routes as functions. Errors are RFC 9457 problems, thrown as ProblemError.
// The key, where the service wants one, lives in this tab's session and goes nowhere else.

import { events } from "./sse.js";

const KEY = "kinject-key";

export class ProblemError extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

export const hasKey = () => Boolean(sessionStorage.getItem(KEY));

export const useKey = (key) => sessionStorage.setItem(KEY, key);

export async function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const response = await sent(given.length ? `${path}?${new URLSearchParams(given)}` : path);
  return response.json();
}

export async function post(path, body, signal) {
  const response = await sent(path, { ...json(body), signal });
  return response.json();
}

export async function* stream(path, body, signal) {
  const response = await sent(path, { ...json(body), signal });
  yield* events(response.body);
}

export const blob = async (path) => (await sent(path)).blob();

const json = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function sent(path, options = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  const response = await fetch(path, { ...options, headers, credentials: "omit", redirect: "error" });
  if (!response.ok) throw new ProblemError(await problem(response));
  return response;
}

async function problem(response) {
  const plain = { title: `The service answered ${response.status}`, status: response.status, detail: "" };
  const type = response.headers.get("Content-Type") ?? "";
  return type.includes("json") ? { ...plain, ...(await response.json()), status: response.status } : plain;
}
