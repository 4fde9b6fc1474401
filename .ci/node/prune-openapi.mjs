// Takes GitHub's published description of its REST API from the npm package that carries it, and keeps
// the operations that Plimsoll uses: `prune-openapi.mjs TARBALL OUT`. The whole package is 475 MB.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";

/** Of @octokit/openapi 23.0.2. */
const TARBALL_SHA512 =
  "a55f0cecbf46636dc0c9b36f4e6a369f28e6a669edebedac444fedaabd192d07" +
  "0f4b8967c3bbb979918d9b044d9010b70fb8195db171e401f32d455105718386";
const MEMBER = "package/generated/api.github.com.json";

const REPO = "/repos/{owner}/{repo}";
const OPERATIONS = {
  "/user": ["get"],
  [REPO]: ["get"],
  [`${REPO}/issues`]: ["get", "post"],
  [`${REPO}/issues/{issue_number}`]: ["patch"],
  [`${REPO}/issues/{issue_number}/comments`]: ["get", "post"],
  [`${REPO}/issues/comments/{comment_id}`]: ["patch", "delete"],
  [`${REPO}/pulls`]: ["get", "post"],
  [`${REPO}/pulls/{pull_number}`]: ["get", "patch"],
  [`${REPO}/check-runs`]: ["post"],
  [`${REPO}/check-runs/{check_run_id}`]: ["patch"],
  [`${REPO}/git/ref/{ref}`]: ["get"],
  [`${REPO}/git/refs`]: ["post"],
  [`${REPO}/git/refs/{ref}`]: ["patch"],
  [`${REPO}/contents/{path}`]: ["get", "put"],
};

/** Answers whose objects must be whole. The fakes may abridge others, but not get them wrong. */
const WHOLE = ["issues/list-comments", "issues/create-comment", "issues/update-comment"];
const ABRIDGED = "-abridged";
/** What GitHub answers with null although its description does not say so: a deleted fork. */
const NULLABLE = { "pull-request": ["head", "repo"], "pull-request-simple": ["head", "repo"] };

function main([tarball, out]) {
  const hash = createHash("sha512").update(fs.readFileSync(tarball)).digest("hex");
  if (hash !== TARBALL_SHA512) throw new Error(`${tarball} has the SHA-512 ${hash}`);
  const options = { maxBuffer: 64 * 1024 * 1024, encoding: "utf8" };
  const pruned = prune(JSON.parse(execFileSync("tar", ["-xzOf", tarball, MEMBER], options)));
  const text = JSON.stringify(pruned);
  fs.writeFileSync(out, text);
  console.log(`${out}: ${Object.keys(pruned.paths).length} paths, ${Math.ceil(text.length / 1024)} KiB`);
}

/** The kept operations and all that they refer to. */
export function prune(whole) {
  const pruned = { openapi: whole.openapi, info: whole.info, paths: {}, components: {} };
  const wanted = [];
  for (const [path, methods] of Object.entries(OPERATIONS)) {
    pruned.paths[path] = {};
    for (const method of methods) {
      const operation = whole.paths[path]?.[method];
      if (!operation) throw new Error(`the description has no ${method} ${path}`);
      pruned.paths[path][method] = keptOperation(operation, wanted);
    }
  }
  for (const { group, name, isAbridged } of wanted) {
    pruned.components[group] ??= {};
    const key = isAbridged ? name + ABRIDGED : name;
    if (key in pruned.components[group]) continue;
    const component = kept(whole.components[group][name], isAbridged, wanted);
    pruned.components[group][key] = component;
    const [outer, inner] = (isAbridged && NULLABLE[name]) || [];
    const members = outer && component.properties[outer].properties;
    if (inner) members[inner] = orNull(members[inner]);
  }
  return pruned;
}

function keptOperation({ operationId, parameters, requestBody, responses }, wanted) {
  const body = kept(requestBody, false, wanted);
  for (const { schema } of Object.values(body?.content ?? {})) {
    // GitHub ignores a key that it does not know, which here is a mistake.
    if (schema.properties) schema.additionalProperties ??= false;
  }
  return {
    operationId,
    parameters: kept(parameters, false, wanted),
    requestBody: body,
    responses: kept(responses, !WHOLE.includes(operationId), wanted),
  };
}

/** A copy without examples; what it refers to is added to `wanted`. */
function kept(node, isAbridged, wanted) {
  if (Array.isArray(node)) return node.map((item) => kept(item, isAbridged, wanted));
  if (node === null || typeof node !== "object") return node;
  const copy = {};
  for (const [key, value] of Object.entries(node)) {
    if (["example", "examples", "discriminator"].includes(key) && !isName(node, key)) continue;
    if (isAbridged && key === "required" && Array.isArray(value)) continue;
    // Without what is required, several alternatives may hold.
    const name = isAbridged && key === "oneOf" ? "anyOf" : key;
    copy[name] = key === "$ref" ? reference(value, isAbridged, wanted) : kept(value, isAbridged, wanted);
  }
  // Prism takes a schema that it cannot compile, as one with `nullable` but no `type`, for no schema.
  const { nullable, ...rest } = copy;
  return nullable === true && !copy.type ? orNull(rest) : copy;
}

/** Whether the key is the name of a property that the description describes. */
function isName(node, key) {
  return typeof node[key] === "object" && ("type" in node[key] || "$ref" in node[key]);
}

function reference(target, isAbridged, wanted) {
  const [, group, name] = /^#\/components\/(\w+)\/(.+)$/.exec(target) ?? [];
  if (!group) throw new Error(`a reference to ${target}`);
  wanted.push({ group, name, isAbridged });
  return isAbridged ? target + ABRIDGED : target;
}

function orNull(schema) {
  return { anyOf: [schema, { type: "string", nullable: true, maxLength: 0 }] };
}

main(process.argv.slice(2));
