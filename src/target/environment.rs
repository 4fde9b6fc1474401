//! What a target sees of our environment: an allow-list, never a token.

use crate::config::names_a_secret;
use crate::config::plan::ManagedTarget;
use crate::target::port::with_port;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// Variables that a program needs to find its files and to print readable text.
const ALLOWED: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"];
/// The family of locale variables.
const ALLOWED_PREFIX: &str = "LC_";

/// The whole environment of a target: the allow-list of ours, then what `pass_env` names, then
/// `env` (which wins), with `{port}` replaced in the values of `env`.
pub(super) fn environment_of(managed: &ManagedTarget, port: u16) -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<_, _> = allowed(std::env::vars_os(), &managed.pass_env).collect();
    variables.extend(managed.env.iter().map(|(name, value)| {
        (OsString::from(name), OsString::from(with_port(value.expose_secret(), port)))
    }));
    variables
}

/// What must not be seen in its output and its answers: what the suite says, and what of ours
/// sounds like a key.
#[must_use]
pub fn secrets_of(managed: &ManagedTarget) -> Vec<SecretString> {
    let passed = allowed(std::env::vars_os(), &managed.pass_env)
        .filter(|(name, _)| name.to_str().is_some_and(names_a_secret))
        .filter_map(|(_, value)| value.into_string().ok())
        .map(SecretString::from);
    managed.secrets.iter().cloned().chain(passed).collect()
}

fn allowed<'a>(
    ours: impl Iterator<Item = (OsString, OsString)> + 'a,
    pass: &'a BTreeSet<String>,
) -> impl Iterator<Item = (OsString, OsString)> + 'a {
    ours.filter(|(name, _)| is_allowed(name, pass))
}

fn is_allowed(name: &OsStr, pass: &BTreeSet<String>) -> bool {
    name.to_str().is_some_and(|name| {
        ALLOWED.contains(&name) || name.starts_with(ALLOWED_PREFIX) || pass.contains(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_variables_pass_and_a_token_only_when_named() {
        let table = [
            ("PATH", &[][..], true),
            ("HOME", &[], true),
            ("LC_ALL", &[], true),
            ("TZ", &[], true),
            ("GITHUB_TOKEN", &[], false),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", &[], false),
            ("AWS_SECRET_ACCESS_KEY", &[], false),
            ("PLIMSOLL_LOG", &[], false),
            ("CI", &[], false),
            ("path", &[], false),
            ("GITHUB_TOKEN", &["GITHUB_TOKEN"], true),
            ("GITHUB_TOKEN_2", &["GITHUB_TOKEN"], false),
            ("CUDA_VISIBLE_DEVICES", &["CUDA_VISIBLE_DEVICES"], true),
        ];
        for (name, pass, expected) in table {
            let pass = pass.iter().map(ToString::to_string).collect();
            let ours = [(OsString::from(name), OsString::from("value"))];
            let seen: Vec<_> = allowed(ours.into_iter(), &pass).collect();
            assert_eq!(seen.len(), usize::from(expected), "{name} with {pass:?}");
        }
    }
}
