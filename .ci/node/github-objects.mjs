// What GitHub answers with, as its description of the API wants it.

const TIME = "2026-11-21T09:12:00Z";
const LINKS = "followers following gists starred subscriptions organizations repos events received_events";

/** An account, with every member that the description of the API requires. */
export function account(login) {
  const url = `https://api.github.com/users/${encodeURIComponent(login)}`;
  const urls = Object.fromEntries(LINKS.split(" ").map((name) => [`${name}_url`, `${url}/${name}`]));
  const page = `https://github.com/${encodeURIComponent(login)}`;
  return {
    login,
    id: login.length,
    node_id: "U_1",
    avatar_url: `${page}.png`,
    gravatar_id: "",
    url,
    html_url: page,
    ...urls,
    type: login.endsWith("[bot]") ? "Bot" : "User",
    site_admin: false,
  };
}

/** A whole comment. */
export function comment({ id, repository, issue, login, body }) {
  const url = `https://api.github.com/repos/${repository}/issues`;
  return {
    id,
    node_id: `IC_${id}`,
    url: `${url}/comments/${id}`,
    issue_url: `${url}/${issue}`,
    html_url: `https://github.com/${repository}/pull/${issue}#issuecomment-${id}`,
    user: account(login),
    created_at: TIME,
    updated_at: TIME,
    author_association: "NONE",
    body,
  };
}

/** A pull request, abridged. `fork` is the full name of the repository of its branch, null if deleted. */
export function pull({
  repository,
  number = 7,
  sha = "a".repeat(40),
  branch = "b",
  state = "open",
  fork = repository,
  forkId = 1,
}) {
  const [owner] = repository.split("/");
  const side = (name, id, ref, commit) => ({
    label: `${name?.split("/")[0] ?? "unknown"}:${ref}`,
    ref,
    sha: commit,
    repo: name && { id, full_name: name, name: name.split("/")[1] },
    user: name && account(name.split("/")[0]),
  });
  return {
    number,
    state,
    locked: false,
    title: "A change",
    user: account(owner),
    draft: false,
    html_url: `https://github.com/${repository}/pull/${number}`,
    head: side(fork, forkId, branch, sha),
    base: side(repository, 1, "main", "c".repeat(40)),
  };
}
