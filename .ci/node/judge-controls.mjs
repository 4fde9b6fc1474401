// Exchanges that the judge must accept, and ones that it must refuse, before its word counts.

import { comment, pull } from "./github-objects.mjs";

const COMMENTS = "/repos/o/r/issues/7/comments";
const JSON_TYPE = { "Content-Type": "application/json; charset=utf-8" };
const said = comment({ id: 41, repository: "o/r", issue: 7, login: "github-actions[bot]", body: "text" });

function exchange(method, path, body, status, answer) {
  return {
    scenario: "control",
    method,
    path,
    request_headers: body ? JSON_TYPE : {},
    request_body: body ? JSON.stringify(body) : "",
    status,
    response_headers: JSON_TYPE,
    response_body: answer ? JSON.stringify(answer) : "",
  };
}

const good = (name, ...what) => ({ name, exchange: exchange(...what) });
const bad = (name, refusal, ...what) => ({ name, refusal, exchange: exchange(...what) });
const { user, ...anonymous } = said;
const body = { body: "text" };
const forbidden = { message: "Resource not accessible by integration" };

export const CONTROLS = [
  good("list", "GET", `${COMMENTS}?per_page=100&page=2`, null, 200, [said, { ...said, user: null }]),
  good("list on an Enterprise server", "GET", `/api/v3${COMMENTS}`, null, 200, []),
  good("create", "POST", COMMENTS, body, 201, said),
  good("create, refused", "POST", COMMENTS, body, 403, forbidden),
  good("update", "PATCH", "/repos/o/r/issues/comments/41", body, 200, said),
  good("update, with a fault", "PATCH", "/repos/o/r/issues/comments/41", body, 502, null),
  good("delete", "DELETE", "/repos/o/r/issues/comments/41", null, 204, null),
  good("pull", "GET", "/repos/o/r/pulls/7", null, 200, pull({ repository: "o/r", number: 7 })),
  good("pulls of a branch", "GET", "/repos/o/r/pulls?state=open&head=o%3Ab", null, 200, [
    pull({ repository: "o/r" }),
  ]),
  good("a file", "GET", "/repos/o/r/contents/baselines/demo.json?ref=main", null, 404, {
    message: "Not Found",
  }),
  good("a branch", "GET", "/repos/o/r/git/ref/heads/plimsoll/baseline", null, 404, { message: "Not Found" }),

  bad(
    "post to a comment",
    /does not have "post" method/,
    "POST",
    "/repos/o/r/issues/comments/41",
    body,
    200,
    said,
  ),
  bad("misspelt key", /required property 'body'/, "POST", COMMENTS, { text: "text" }, 201, said),
  bad(
    "additional key",
    /additional properties|unevaluated/i,
    "POST",
    COMMENTS,
    { ...body, text: "" },
    201,
    said,
  ),
  bad("number as body", /body.*must be string/, "POST", COMMENTS, { body: 5 }, 201, said),
  bad("no body", /required/i, "POST", COMMENTS, null, 201, said),
  bad(
    "issue that is no number",
    /issue_number.*integer/,
    "GET",
    "/repos/o/r/issues/x/comments",
    null,
    200,
    [],
  ),
  bad("unknown path", /hasn't been found/, "GET", "/repos/o/r/pulls/7/remarks", null, 200, []),
  bad("misspelt parameter", /no parameter per-page/, "GET", `${COMMENTS}?per-page=100`, null, 200, []),
  bad(
    "state that does not exist",
    /state.*allowed values/,
    "GET",
    "/repos/o/r/pulls?state=opened",
    null,
    200,
    [],
  ),
  bad("comment without user", /response 201.*'user'/, "POST", COMMENTS, body, 201, anonymous),
  bad("comment with a text as id", /response 200.*id must be integer/, "GET", COMMENTS, null, 200, [
    { ...said, id: "41" },
  ]),
  bad(
    "pull with a text as number",
    /response 200.*number must be integer/,
    "GET",
    "/repos/o/r/pulls/7",
    null,
    200,
    { number: "7" },
  ),
  bad("unlisted success", /status code/, "PATCH", "/repos/o/r/issues/comments/41", body, 201, said),
];
