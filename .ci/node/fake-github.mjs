// GitHub's REST API as far as a publisher of comments uses it, with state, on a local port.

import fs from "node:fs";
import http from "node:http";
import { account, comment } from "./github-objects.mjs";

const BODY_CHARACTERS_MAX = 65536;

/**
 * `tokens`: what each may do, by token: `{ login, writes, isInstallation }`. `pulls`: those that exist.
 * `comments` and `requests` are there to be read and changed; `record` appends exchanges to a file.
 */
export class FakeGitHub {
  constructor({ repository = "o/r", tokens = {}, pulls = [] } = {}) {
    Object.assign(this, {
      repository,
      tokens,
      pulls,
      comments: [],
      requests: [],
      nextId: 1001,
      recordTo: null,
    });
    this.server = http.createServer((request, response) => this.receive(request, response));
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** From now on exchanges are appended to this file under this name. */
  record(file, scenario) {
    this.recordTo = { file, scenario };
  }

  async receive(request, response) {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    const { method, url, headers } = request;
    this.requests.push({ method, path: url, headers, body });
    const [status, answer, more = {}] = this.answer(method, new URL(url, "http://localhost"), headers, body);
    const text = status === 204 ? "" : JSON.stringify(answer);
    const answered = { ...(text && { "content-type": "application/json; charset=utf-8" }), ...more };
    if (this.recordTo) {
      const { file, scenario } = this.recordTo;
      const said = { scenario, method, path: url, request_headers: headers, request_body: body };
      const line = { ...said, status, response_headers: answered, response_body: text };
      fs.appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
    response.writeHead(status, answered).end(text);
  }

  answer(method, { pathname, searchParams }, headers, body) {
    if (!headers["user-agent"]) return [403, { message: "a User-Agent is required" }];
    const token = /^(?:Bearer|token) (.+)$/i.exec(headers.authorization ?? "")?.[1];
    if (!token) return [401, { message: "Requires authentication" }];
    const who = this.tokens[token];
    if (!who) return [401, { message: "Bad credentials" }];
    const notAccessible = [403, { message: "Resource not accessible by integration" }];
    if (pathname === "/user") return who.isInstallation ? notAccessible : [200, account(who.login)];
    if (method !== "GET" && !who.writes) return notAccessible;
    const path = pathname.startsWith(`/repos/${this.repository}/`)
      ? pathname.slice(`/repos/${this.repository}/`.length)
      : "";
    for (const [verb, pattern, handler] of this.routes()) {
      const match = verb === method && pattern.exec(path);
      if (match) return handler(match[1] && Number(match[1]), searchParams, body, who);
    }
    return [404, { message: "Not Found" }];
  }

  routes() {
    const issue = /^issues\/(\d+)\/comments$/;
    const one = /^issues\/comments\/(\d+)$/;
    return [
      ["GET", /^pulls\/(\d+)$/, (number) => found(this.pulls.find((pull) => pull.number === number))],
      ["GET", /^pulls$/, (_, query) => [200, this.matching(query)]],
      ["GET", issue, (number, query) => this.page(number, query)],
      [
        "POST",
        issue,
        (number, _, body, who) => written(body, (text) => [201, this.add(number, who.login, text)]),
      ],
      ["PATCH", one, (id, _, body) => written(body, (text) => found(this.change(id, text)))],
      ["DELETE", one, (id) => this.remove(id)],
    ];
  }

  matching(query) {
    const state = query.get("state") ?? "open";
    const head = query.get("head");
    return this.pulls.filter(
      (pull) => (state === "all" || pull.state === state) && (!head || pull.head.label === head),
    );
  }

  page(number, query) {
    const size = Math.min(Number(query.get("per_page") ?? 30), 100);
    const at = (Number(query.get("page") ?? 1) - 1) * size;
    const all = this.comments.filter(({ issue_url: url }) => url.endsWith(`/${number}`));
    const next = `<https://api.github.com/repositories/1/issues/${number}/comments>; rel="next"`;
    return [200, all.slice(at, at + size), at + size < all.length ? { link: next } : {}];
  }

  add(issue, login, body) {
    const { repository } = this;
    this.comments.push(comment({ id: (this.nextId += 1), repository, issue, login, body }));
    return this.comments.at(-1);
  }

  change(id, body) {
    const there = this.comments.find((comment) => comment.id === id);
    return there && Object.assign(there, { body });
  }

  remove(id) {
    const before = this.comments.length;
    this.comments = this.comments.filter((comment) => comment.id !== id);
    return this.comments.length < before ? [204] : found(undefined);
  }
}

function found(what) {
  return what ? [200, what] : [404, { message: "Not Found" }];
}

function written(body, write) {
  const documentation = { documentation_url: "https://docs.github.com/rest" };
  let text;
  try {
    text = JSON.parse(body).body;
  } catch {
    return [400, { message: "Problems parsing JSON", ...documentation }];
  }
  const refused = (message) => {
    const error = { resource: "IssueComment", code: "unprocessable", field: "data", message };
    return [422, { message: "Validation Failed", errors: [error], ...documentation }];
  };
  if (typeof text !== "string" || text === "") return refused("Body cannot be blank");
  if ([...text].length > BODY_CHARACTERS_MAX)
    return refused("Body is too long (maximum is 65536 characters)");
  return write(text);
}
