// An independent judge of what Plimsoll says to GitHub: Prism, with GitHub's own description of its API.
//
//   judge.mjs FOLDER [--scenarios N]
//
// FOLDER holds files `*.jsonl` with one exchange a line: scenario, method, path, request_headers,
// request_body, status (0 when no answer came), response_headers, response_body. Exit code 1 when one of
// them violates the description; 2 when the judge itself fails its controls, or has too little to judge.

import fs from "node:fs";
import path from "node:path";
import { createInstance, getHttpOperationsFromSpec } from "@stoplight/prism-http";
import { CONTROLS } from "./judge-controls.mjs";
import { INSTALLED } from "./packages.mjs";

/** Answers that tests inject where the description does not list them: only the request is judged. */
const FAULTS = [0, 401, 403, 404, 410, 422, 429, 500, 502, 503];
/** Where GitHub Enterprise Server has its API. */
const PREFIX = "/api/v3";
/** Parameters at the end of a path that may have slashes in them, which Prism's templates do not. */
const SEVERAL_SEGMENTS = /^(\/repos\/[^/]+\/[^/]+\/(?:contents|git\/refs?))\/(.+)$/;

const silent = () => {};
const logger = {
  child: () => logger,
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  success: silent,
};

export class Judge {
  static async create(description = new URL("github-openapi.json", INSTALLED)) {
    const judge = new Judge();
    judge.operations = await getHttpOperationsFromSpec(JSON.parse(fs.readFileSync(description, "utf8")));
    return judge;
  }

  /** What is wrong with the exchange, and the operation that it was; the words are Prism's. */
  async judge(exchange) {
    const url = new URL(exchange.path, "http://localhost");
    const request = { method: exchange.method.toLowerCase(), headers: headersOf(exchange.request_headers) };
    const inPath = url.pathname.startsWith(`${PREFIX}/`) ? url.pathname.slice(PREFIX.length) : url.pathname;
    const [, stem, several] = SEVERAL_SEGMENTS.exec(inPath) ?? [];
    const asTemplate = several ? `${stem}/${several.replaceAll("/", "%2F")}` : inPath;
    request.url = { path: asTemplate, query: Object.fromEntries(url.searchParams) };
    if (exchange.request_body) {
      request.body = parsed(exchange.request_body);
      if (request.body === undefined) return { violations: ["request: the body is no JSON"] };
      request.headers["content-length"] ??= `${Buffer.byteLength(exchange.request_body)}`;
    }
    const answer = await this.proxied(request, exchange);
    if (answer._tag === "Left")
      return { violations: [`request: ${answer.left.detail ?? answer.left.message}`] };
    const { output, validations, operation } = answer.right;
    return {
      operation: operation.iid ?? `${operation.method} ${operation.path}`,
      violations: [
        ...validations.input.map((found) => `request: ${words(found)}`),
        ...unknownNames(url.searchParams, operation),
        ...this.ofResponse(output, validations.output, operation),
      ],
    };
  }

  /** Prism as a proxy in front of an upstream that says what was recorded. */
  async proxied(request, exchange) {
    let operation;
    const output = {
      statusCode: exchange.status ?? 0,
      headers: headersOf(exchange.response_headers),
      body: parsed(exchange.response_body || "null") ?? exchange.response_body,
    };
    const forward = (_input, _url, _proxy, resource) => () => async () => {
      operation = resource;
      return { _tag: "Right", right: output };
    };
    const config = { isProxy: true, upstream: new URL("http://localhost"), errors: true };
    Object.assign(config, { validateRequest: true, validateResponse: true, checkSecurity: false });
    const answer = await createInstance(config, { logger, forward }).request(request, this.operations)();
    if (answer._tag === "Right") answer.right.operation = operation;
    return answer;
  }

  ofResponse(output, found, operation) {
    const isListed = operation.responses.some(({ code }) => code === `${output.statusCode}`);
    if (!isListed && FAULTS.includes(output.statusCode)) return [];
    return found.map((one) => `response ${output.statusCode}: ${words(one)}`);
  }
}

function headersOf(headers = {}) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), `${value}`]));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function words({ location = [], message }) {
  return `${location.join(".")} ${message}`.trim();
}

/** Neither GitHub nor Prism minds a parameter that does not exist, such as a misspelt one. */
function unknownNames(parameters, operation) {
  const known = (operation.request?.query ?? []).map(({ name }) => name);
  const unknown = [...parameters.keys()].filter((name) => !known.includes(name));
  return unknown.map((name) => `request: there is no parameter ${name}`);
}

/** What is wrong with the judge: it must accept each good control and refuse each bad one. */
async function failedControls(judge) {
  const failed = [];
  for (const { name, exchange, refusal } of [...CONTROLS, ...schemaControls(judge.operations)]) {
    const { violations } = await judge.judge(exchange);
    const text = violations.join("; ");
    if (refusal ? !refusal.test(text) : text !== "") failed.push(`${name}: ${text || "accepted"}`);
  }
  return failed;
}

/** For each schema a number, which none describes: Prism takes one that it cannot compile for none. */
function schemaControls(operations) {
  return operations.flatMap((operation) => {
    const { method, path: template, request, responses } = operation;
    const path = template.replaceAll(/\{\w+\}/g, "1");
    const control = (status, type, sent, answer, refusal) => ({
      name: `${method} ${template}: a number instead of what is described`,
      refusal,
      exchange: {
        method,
        path,
        request_headers: { "content-type": "application/json" },
        request_body: sent,
        status,
        response_headers: { "content-type": type },
        response_body: answer,
      },
    });
    const ofResponses = responses.flatMap(({ code, contents = [] }) =>
      contents
        .filter(({ schema }) => schema)
        .map(({ mediaType }) => control(Number(code), mediaType, "", "5", /response.*must/)),
    );
    const isSent = request?.body?.contents?.some(({ schema }) => schema);
    return isSent ? [...ofResponses, control(0, "", "5", "", /request: .*must/)] : ofResponses;
  });
}

function read(folder) {
  const files = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".jsonl")) : [];
  return files.sort().flatMap((name) => {
    const lines = fs.readFileSync(path.join(folder, name), "utf8").split("\n");
    return lines.flatMap((line, at) =>
      line.trim() ? [{ ...JSON.parse(line), at: `${name}:${at + 1}` }] : [],
    );
  });
}

function summary(exchanges, scenarios, counts) {
  const each = Object.entries(counts)
    .sort()
    .map(([name, count]) => `\n  ${count} × ${name}`)
    .join("");
  return `${exchanges.length} exchanges of ${scenarios.size} scenarios${each}`;
}

async function main([folder, option, number]) {
  const scenariosMin = option === "--scenarios" ? Number(number) : 1;
  if (!folder || !(scenariosMin >= 1)) return { code: 2, text: "usage: judge.mjs FOLDER [--scenarios N]" };
  const judge = await Judge.create();
  const failed = await failedControls(judge);
  if (failed.length > 0) return { code: 2, text: `the judge is not fit to judge:\n${failed.join("\n")}` };
  const exchanges = read(folder);
  const scenarios = new Set(exchanges.map(({ scenario }) => scenario));
  const counts = {};
  const lines = [];
  for (const exchange of exchanges) {
    const { violations, operation } = await judge.judge(exchange);
    if (operation) counts[operation] = (counts[operation] ?? 0) + 1;
    const { scenario, method, path: target, at } = exchange;
    lines.push(...violations.map((violation) => `${at}: ${scenario}: ${method} ${target}: ${violation}`));
  }
  const text = summary(exchanges, scenarios, counts);
  if (scenarios.size < scenariosMin) {
    return {
      code: 2,
      text: [...lines, `${text}\ntoo few: ${scenariosMin} scenarios are required`].join("\n"),
    };
  }
  if (lines.length > 0)
    return { code: 1, text: [...lines, `${text}\n${lines.length} violations`].join("\n") };
  return { code: 0, text: `${text}\n${CONTROLS.length} controls held, no violation` };
}

const { code, text } = await main(process.argv.slice(2));
console.log(text);
process.exitCode = code;
