//! What the platform answers with: every member that its own description requires.

use serde_json::{Value, json};

const TIME: &str = "2026-11-21T09:12:00Z";

fn account(login: &str) -> Value {
    let url = format!("https://api.github.com/users/{}", login.replace(['[', ']'], ""));
    let page = format!("https://github.com/{}", login.replace(['[', ']'], ""));
    let mut account = json!({
        "login": login, "id": 41, "node_id": "U_1", "avatar_url": page, "gravatar_id": "",
        "url": url, "html_url": page, "site_admin": false,
        "type": if login.ends_with("[bot]") { "Bot" } else { "User" },
    });
    for name in [
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    ] {
        account[format!("{name}_url")] = json!(format!("{url}/{name}"));
    }
    account
}

/// A comment under pull request 7.
pub(crate) fn comment(id: u64, login: &str, body: &str) -> Value {
    let url = "https://api.github.com/repos/o/r/issues";
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": format!("{url}/comments/{id}"),
        "issue_url": format!("{url}/7"),
        "html_url": format!("https://github.com/o/r/pull/7#issuecomment-{id}"),
        "user": account(login), "created_at": TIME, "updated_at": TIME,
        "author_association": "NONE", "body": body,
    })
}

/// A pull request, abridged: its head is this commit of a branch of this repository.
pub(crate) fn pull(number: u64, sha: &str, repository: (u64, &str)) -> Value {
    let (id, owner) = repository;
    json!({
        "number": number, "state": "open", "locked": false, "title": "A change",
        "user": account("o"), "html_url": format!("https://github.com/o/r/pull/{number}"),
        "head": { "label": format!("{owner}:fix"), "ref": "fix", "sha": sha,
                  "repo": { "id": id, "full_name": format!("{owner}/r"), "name": "r" } },
        "base": { "label": "o:main", "ref": "main", "sha": "c".repeat(40),
                  "repo": { "id": 1, "full_name": "o/r", "name": "r" } },
    })
}
