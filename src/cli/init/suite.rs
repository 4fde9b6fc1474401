//! The text of a suite. What a user named is written as YAML by type: no string of the template's
//! context reaches the text unquoted unless the template says that it is our own.

use super::server::Server;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Output, State, UndefinedBehavior, Value};
use serde::Serialize;

const TEMPLATE: &str = include_str!("../../../templates/init/suite.yml.jinja");
/// Longest name that is made of a directory's.
const NAME_CHARS_MAX: usize = 60;

/// Widest line that a list of words is written on.
const LINE_CHARS_MAX: usize = 90;

/// What the template is told; of `command` and `url` at most one.
#[derive(Debug, Serialize)]
pub(super) struct Context<'a> {
    pub(super) server: Server,
    pub(super) title: &'a str,
    pub(super) suite: &'a str,
    pub(super) command: &'a [String],
    pub(super) url: Option<&'a str>,
    pub(super) model: &'a str,
    pub(super) budget: &'a str,
}

/// The suite as YAML with comments.
///
/// # Errors
/// Only if the template is wrong.
pub(super) fn text(context: &Context<'_>) -> Result<String, minijinja::Error> {
    environment(TEMPLATE)?.get_template("file")?.render(Serde(context))
}

/// What renders YAML: `file` is this template.
pub(super) fn environment(template: &str) -> Result<Environment<'_>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?;
    environment.set_syntax(syntax);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("yaml".into()));
    environment.set_formatter(write_yaml);
    environment.add_template("file", template)?;
    Ok(environment)
}

fn write_yaml(out: &mut Output, _: &mut State, value: &Value) -> Result<(), minijinja::Error> {
    let text = if value.kind() == ValueKind::Seq {
        list(value.try_iter()?.map(|word| scalar(&word)))
    } else {
        scalar(value)
    };
    out.write_str(&text).map_err(minijinja::Error::from)
}

/// `[a, b]`, with line breaks where it is long.
fn list(words: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    let mut width = 0;
    for word in words {
        width += word.chars().count() + 2;
        if text.len() > 1 {
            let breaks = width > LINE_CHARS_MAX;
            text.push_str(if breaks { ",\n    " } else { ", " });
            width = if breaks { word.chars().count() } else { width };
        }
        text.push_str(&word);
    }
    text + "]"
}

fn scalar(value: &Value) -> String {
    match value.as_str() {
        Some(text) if !value.is_safe() => quoted(text),
        _ => value.to_string(),
    }
}

/// A text as one YAML scalar that the suite's reader takes literally: plain where nobody could
/// doubt it, else in double quotes; `${` is written `$${`.
pub(super) fn quoted(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut yaml = String::from("\"");
    for c in text.replace("${", "$${").chars() {
        match c {
            '"' | '\\' => yaml.extend(['\\', c]),
            // Line ends and what YAML does not print, the byte order mark included.
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                yaml.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c if c.is_control() => yaml.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => yaml.push(c),
        }
    }
    yaml.push('"');
    yaml
}

fn is_plain(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let after_dashes = text.trim_start_matches('-');
    let typed = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];
    text.len() - after_dashes.len() <= 2
        && after_dashes.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(is_word)
        && !typed.contains(&after_dashes.to_ascii_lowercase().as_str())
}

/// A name that a suite may have, made of another.
pub(super) fn name_of(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = text.chars().map(fit).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "service".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::{name_of, quoted};
    use crate::config::plan::Api;
    use proptest::prelude::*;

    /// What the suite's reader makes of the text as the name of a model.
    fn read_back(text: &str) -> String {
        let yaml = format!(
            "version: 1
suite: s
target: {{ url: 'http://h', model: {} }}
checks: {{ c: {{ capacity: {{ knob: rate, from: 1 }}, slos: [p99 ttfc < 1s] }} }}",
            quoted(text)
        );
        let plan = crate::config::read("f".as_ref(), &yaml, &[], &|_| None)
            .unwrap_or_else(|invalid| panic!("{yaml}: {:?}", invalid.problems));
        match plan.target.api {
            Api::OpenAiChat { model, .. } => model,
            Api::Http(_) => panic!("not asked for"),
        }
    }

    #[test]
    fn a_hostile_text_is_one_scalar_and_comes_back_unchanged() {
        for text in [
            "",
            " ",
            "a: b",
            "a # b",
            "x\nextra: { n: 1 }",
            "\"",
            "'",
            "\\",
            "${HOME}",
            "$${A}",
            "$",
            "{port}",
            "{{ 7 * 7 }}",
            "{% raw %}",
            "[a]",
            "*alias",
            "&anchor",
            "!tag",
            "%d",
            "@at",
            "`tick",
            "- a",
            "---",
            "...",
            "yes",
            "No",
            "null",
            "~",
            "-inf",
            ".nan",
            "1.0",
            "0x10",
            "1e3",
            "007",
            "2001-01-01",
            "\0",
            "\t",
            "\r\n",
            "\u{85}\u{2028}\u{feff}",
            "\u{7f}\u{9b}",
            "ünï/码 😀",
            "<<",
            "=",
            "| x",
            "> x",
            "? x",
            ", x",
        ] {
            assert_eq!(read_back(text), text, "{}", quoted(text));
        }
    }

    #[test]
    fn what_cannot_be_misread_stays_plain() {
        for text in ["vllm", "--port", "-m", "./serve", "/opt/a.gguf", "Qwen/Qwen2.5-0.5B"] {
            assert_eq!(quoted(text).starts_with('"'), text.starts_with('.'), "{text}");
        }
    }

    #[test]
    fn a_directory_name_becomes_a_suite_name() {
        for (from, to) in [
            ("gateway", "gateway"),
            ("my service (old)", "my-service--old"),
            (".hidden", "hidden"),
            ("码", "service"),
            ("", "service"),
            ("../..", "service"),
        ] {
            assert_eq!(name_of(from), to, "{from}");
        }
        assert_eq!(name_of(&"a".repeat(300)).len(), super::NAME_CHARS_MAX);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_unchanged(text in any::<String>()) {
            prop_assert_eq!(read_back(&text), text);
        }
    }
}
