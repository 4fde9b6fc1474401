//! `report.md`: what a reviewer reads. The layout stands in `templates/`, which a user may override;
//! here is what it is made of, every text escaped by its type.

use super::Results;
use super::escape::{Escaped, Markdown, plain};
use super::markdown_view::{Extent, View};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most characters of a report.
pub const SIZE_MAX: usize = 60_000;

/// The built-in templates, by name. `report.md.j2` is the page, the others are parts of it.
const BUILT_IN: [(&str, &str); 4] = [
    ("report.md.j2", include_str!("../../templates/report.md.j2")),
    ("gates.md.j2", include_str!("../../templates/gates.md.j2")),
    ("curves.md.j2", include_str!("../../templates/curves.md.j2")),
    ("commands.md.j2", include_str!("../../templates/commands.md.j2")),
];

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is none: a folder or name that was mistyped would go unnoticed.
    #[error("`{}` holds no template: none of {names}", folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
        /// What could be there.
        names: String,
    },
    /// The system refused to read it.
    #[error("cannot read template `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is wrong, or names something that does not exist.
    #[error("template `{name}` cannot be used")]
    Template {
        /// The template.
        name: String,
        /// What is wrong, and where.
        #[source]
        source: Box<minijinja::Error>,
    },
}

/// The templates of a report.
#[derive(Debug)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// Those that come with Plimsoll.
    ///
    /// # Errors
    /// None in practice: a test renders all of them.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::of(BUILT_IN.iter().map(|(name, text)| (*name, (*text).to_owned())))
    }

    /// The same, each replaced by the file of its name in `folder` where there is one.
    ///
    /// # Errors
    /// No template in the folder, or a file that cannot be read or parsed.
    pub fn from_folder(folder: &Path) -> Result<Self, TemplateError> {
        let mut templates = Vec::new();
        if !BUILT_IN.iter().any(|(name, _)| folder.join(name).exists()) {
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            return Err(TemplateError::None { folder: folder.to_owned(), names });
        }
        for (name, built_in) in BUILT_IN {
            let path = folder.join(name);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => built_in.to_owned(),
                Err(source) => return Err(TemplateError::Io { path, source }),
            };
            templates.push((name, text));
        }
        Self::of(templates.into_iter())
    }

    fn of(templates: impl Iterator<Item = (&'static str, String)>) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(whitespace());
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
        environment.set_formatter(|out, _, value| {
            if value.is_safe() || value.is_number() {
                return write!(out, "{value}").map_err(minijinja::Error::from);
            }
            out.write_str(&plain(&value.to_string())).map_err(minijinja::Error::from)
        });
        for (name, text) in templates {
            environment
                .add_template_owned(name, text)
                .map_err(|source| template_error(name, source))?;
        }
        Ok(Self(environment))
    }
}

fn whitespace() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    builder.build().unwrap_or_default()
}

/// An error inside a part is wrapped by one of the page: the innermost names the file to look at.
fn template_error(name: &str, source: minijinja::Error) -> TemplateError {
    let mut name = source.name().unwrap_or(name).to_owned();
    let mut cause = std::error::Error::source(&source);
    while let Some(error) = cause {
        if let Some(inner) = error.downcast_ref::<minijinja::Error>().and_then(|e| e.name()) {
            inner.clone_into(&mut name);
        }
        cause = error.source();
    }
    TemplateError::Template { name, source: Box::new(source) }
}

/// The report by the built-in templates.
#[must_use]
pub fn render(results: &Results) -> String {
    Templates::built_in().and_then(|templates| render_with(results, &templates)).unwrap_or_else(
        // Only a defect in a built-in template leads here: the verdict is told all the same.
        |_| format!("### {}\n", Escaped::<Markdown>::prose(&results.headline)),
    )
}

/// The report. Over [`SIZE_MAX`] characters whole blocks are left out, never cut: first charts, then
/// the trials of checks that passed, those of the others, rows that passed, and at last the notes.
///
/// # Errors
/// A template that names something that does not exist.
pub fn render_with(results: &Results, templates: &Templates) -> Result<String, TemplateError> {
    let page = templates
        .0
        .get_template("report.md.j2")
        .map_err(|source| template_error("report.md.j2", source))?;
    let mut text = String::new();
    for extent in Extent::ALL {
        text = page
            .render(Value::from(Serde(View::of(results, extent))))
            .map_err(|source| template_error("report.md.j2", source))?;
        if text.chars().count() <= SIZE_MAX {
            break;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{SIZE_MAX, Templates, render, render_with};
    use crate::report::fixture;

    #[test]
    fn every_state_as_a_reviewer_sees_it() {
        for (name, results) in fixture::states() {
            insta::assert_snapshot!(format!("markdown-{name}"), render(&results));
        }
    }

    #[test]
    fn what_a_target_says_stays_inside_its_fence() {
        let mut results = fixture::target_died();
        let problem = results.problem.as_mut().unwrap();
        problem.last_lines = vec!["```".to_owned(), "# owned".to_owned(), "<b>".to_owned()];
        problem.text = "the service died <script>| @everyone".to_owned();
        let report = render(&results);
        assert!(report.contains("\n````text\n```\n# owned\n<b>\n````\n"), "{report}");
        assert!(!report.contains("<script>") && !report.contains("@everyone"), "{report}");
    }

    #[test]
    fn a_long_report_loses_whole_blocks_and_says_so() {
        let mut results = fixture::regression();
        let check = results.checks[0].clone();
        for index in 0..400 {
            let mut check = check.clone();
            check.name = format!("check-{index}");
            results.checks.push(check);
        }
        let report = render(&results);
        assert!(report.chars().count() <= SIZE_MAX, "{}", report.chars().count());
        assert!(report.contains("shortened"), "{report}");
        assert_eq!(report.matches("<details>").count(), report.matches("</details>").count());
        assert_eq!(report.matches("```").count() % 2, 0);
    }

    #[test]
    fn a_template_may_be_replaced_and_what_it_prints_is_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("report.md.j2");
        std::fs::write(&file, "{{ symbol }} {{ suite }} {{ '<b>|' }}").unwrap();
        let templates = Templates::from_folder(folder.path()).unwrap();
        let report = render_with(&fixture::pass(), &templates).unwrap();
        assert_eq!(report, "✅ `chat` &lt;b&gt;¦");
    }

    #[test]
    fn a_template_that_names_nothing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("gates.md.j2"), "{{ gatez }}").unwrap();
        let templates = Templates::from_folder(folder.path()).unwrap();
        let error = render_with(&fixture::pass(), &templates).unwrap_err();
        assert!(error.to_string().contains("gates.md.j2"), "{error}");
    }
}
