//! The workflows of GitHub Actions for the repository that a suite stands in.

use super::Refusal;
use super::suite::environment;
use crate::cli::arguments::chain;
use crate::cli::git;
use minijinja::value::Serde;
use serde::Serialize;
use std::path::{Component, Path, PathBuf};

/// Where GitHub looks for workflows, and what is written there.
const FOLDER: &str = ".github/workflows";
const TEMPLATES: [(&str, &str); 2] = [
    ("capacity.yml", include_str!("../../../templates/init/capacity.yml.jinja")),
    ("capacity-comment.yml", include_str!("../../../templates/init/capacity-comment.yml.jinja")),
];

/// The action that workflows use, by its full commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Action {
    /// `owner/repository`.
    name: String,
    sha: String,
    /// The tag that it was found by.
    version: Option<String>,
}

impl Action {
    /// Of `owner/repository@commit`, or of a tag, which `find` knows the commit of.
    pub(super) fn read(
        text: &str,
        find: impl Fn(&str, &str) -> Option<String>,
    ) -> Result<Self, Refusal> {
        let refusal = |what: String| {
            let hint = "write `--action OWNER/plimsoll@` and a full commit, or a tag";
            Refusal(what, hint.to_owned())
        };
        let is_part = |part: &str| {
            let fit = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(fit)
        };
        let (name, version) = text
            .split_once('@')
            .filter(|(name, version)| {
                let is_name = name.split_once('/').is_some_and(|(a, b)| is_part(a) && is_part(b));
                is_name && is_part(version)
            })
            .ok_or_else(|| refusal(format!("`{text}` names no action at a commit")))?;
        let name = name.to_owned();
        if git::is_hash(version) {
            return Ok(Self { name, sha: version.to_owned(), version: None });
        }
        let sha = find(&name, version).filter(|sha| git::is_hash(sha));
        let sha = sha.ok_or_else(|| {
            refusal(format!("the commit of `{version}` in `{name}` could not be found"))
        })?;
        Ok(Self { name, sha, version: Some(version.to_owned()) })
    }
}

/// The commit of a tag on GitHub: of an annotated one that which it points to.
pub(super) fn commit_of_tag(name: &str, tag: &str) -> Option<String> {
    let url = format!("https://github.com/{name}");
    let refs = [format!("refs/tags/{tag}^{{}}"), format!("refs/tags/{tag}")];
    refs.iter().find_map(|reference| {
        let line = git::line(Path::new("."), &["ls-remote", "--exit-code", &url, reference])?;
        Some(line.split_whitespace().next()?.to_owned())
    })
}

#[derive(Serialize)]
struct Context<'a> {
    suite: &'a str,
    action: &'a Action,
    /// Folder of the suite, from the root of the repository; none at the root.
    directory: Option<String>,
    /// Name of the suite's file; none by default.
    config: Option<String>,
}

/// The workflows for a suite at this path: where each goes, and its text.
pub(super) fn files(
    suite: &str,
    path: &Path,
    action: &Action,
) -> Result<Vec<(PathBuf, String)>, Refusal> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let asked = |question| git::line(folder, &["rev-parse", question]).map(PathBuf::from);
    let (Some(root), Some(prefix)) = (asked("--show-toplevel"), asked("--show-prefix")) else {
        let hint = "make one with `git init`, or leave `--action` out";
        return Err(Refusal("this is no git repository".to_owned(), hint.to_owned()));
    };
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let directory = Some(prefix).filter(|prefix| !prefix.as_os_str().is_empty() && plain(prefix));
    let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let context = Context {
        suite,
        action,
        directory: directory.map(|it| it.display().to_string().trim_end_matches('/').to_owned()),
        config: (file != "plimsoll.yml").then(|| file.to_owned()),
    };
    let rendered = TEMPLATES.iter().map(|(name, template)| {
        let text = environment(template)
            .and_then(|it| it.get_template("file")?.render(Serde(&context)))
            .map_err(|error| {
                Refusal(
                    format!("the template of `{name}` cannot be used: {}", chain(&error)),
                    "this is a defect of Plimsoll: please report it".to_owned(),
                )
            })?;
        Ok((root.join(FOLDER).join(name), format!("{}\n", text.trim_end())))
    });
    rendered.collect()
}

/// A path as it is shown: from here where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::path::absolute(".").unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Action, files};
    use crate::cli::git;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn read(text: &str) -> Result<Action, String> {
        let find =
            |name: &str, tag: &str| (name == "o/p" && tag == "v1.2.3").then(|| SHA.to_owned());
        Action::read(text, find).map_err(|refusal| refusal.0)
    }

    #[test]
    fn an_action_is_pinned_by_its_full_commit() {
        let action = read(&format!("o/p@{SHA}")).unwrap();
        assert_eq!((action.sha.as_str(), action.version), (SHA, None));
        let action = read("o/p@v1.2.3").unwrap();
        assert_eq!((action.sha.as_str(), action.version.as_deref()), (SHA, Some("v1.2.3")));
        for wrong in
            ["o/p", "p@v1.2.3", "o/p@main", "o/p@", "o/p/q@v1.2.3", "o/p@-x", "o/p@a b", "../p@v1"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_workflow_names_where_the_suite_is() {
        let repository = tempfile::tempdir().unwrap();
        git::line(repository.path(), &["init", "--quiet"]).unwrap();
        let action = read("o/p@v1.2.3").unwrap();
        let at = |path: &str| {
            let path = repository.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            files("chat", &path, &action).unwrap().remove(0)
        };
        let (path, text) = at("plimsoll.yml");
        assert!(path.ends_with(".github/workflows/capacity.yml"), "{path:?}");
        assert!(text.ends_with(&format!("      - uses: o/p@{SHA} # v1.2.3\n")), "{text}");
        let (_, text) = at("services/chat/load.yml");
        let with = "        with:\n          working-directory: services/chat\n          config: load.yml\n";
        assert!(text.ends_with(with), "{text}");
        let outside = tempfile::tempdir().unwrap();
        assert!(files("chat", &outside.path().join("plimsoll.yml"), &action).is_err());
    }

    #[test]
    fn the_workflows_read_well() {
        let repository = tempfile::tempdir().unwrap();
        git::line(repository.path(), &["init", "--quiet"]).unwrap();
        let action = read(&format!("o/p@{SHA}")).unwrap();
        for (path, text) in files("chat", &repository.path().join("plimsoll.yml"), &action).unwrap()
        {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            insta::assert_snapshot!(format!("workflow-{name}"), text);
        }
    }
}
