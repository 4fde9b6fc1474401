//! `report.md`: what a reviewer reads. The layout stands in `templates/`, which a user may override;
//! here is what it is made of, every text escaped by its type.

use super::Results;
use super::comment::Comment;
use super::escape::{Escaped, Markdown, plain};
use super::markdown_view::{Extent, View};
use super::place::Place;
use super::summary::{SUMMARY_MAX, Summary, Trials};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most bytes of a report: a comment may have 65,536 characters.
pub const SIZE_MAX: usize = 60_000;

/// The built-in templates, by name. `report.md.j2` is the page, the others are parts of it.
const BUILT_IN: [(&str, &str); 7] = [
    ("report.md.j2", include_str!("../../templates/report.md.j2")),
    ("comment.md.j2", include_str!("../../templates/comment.md.j2")),
    ("summary.md.j2", include_str!("../../templates/summary.md.j2")),
    ("body.md.j2", include_str!("../../templates/body.md.j2")),
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
    Templates::built_in()
        .and_then(|templates| render_with(results, &templates))
        .unwrap_or_else(|_| headlines(std::slice::from_ref(results)))
}

/// The report. Over [`SIZE_MAX`] bytes whole blocks are left out, never cut: first charts, then
/// the trials of checks that passed, those of the others, rows that passed, and at last the notes.
///
/// # Errors
/// A template that names something that does not exist.
pub fn render_with(results: &Results, templates: &Templates) -> Result<String, TemplateError> {
    templates.fitting("report.md.j2", SIZE_MAX, &Extent::ALL, |extent| {
        Value::from(Serde(View::of(results, &Place::default(), *extent)))
    })
}

/// The comment under a pull request, of at most `size` bytes, without its marker: the report of one
/// suite as it is, of several one table and a block each.
#[must_use]
pub fn comment(all: &[Results], place: &Place, size: usize) -> String {
    let rendered = Templates::built_in().and_then(|templates| match all {
        [alone] => templates.fitting("report.md.j2", size, &Extent::ALL, |extent| {
            Value::from(Serde(View::of(alone, place, *extent)))
        }),
        all => templates.fitting("comment.md.j2", size, &Extent::ALL, |extent| {
            Value::from(Serde(Comment::of(all, place, *extent, &|view| templates.body(view))))
        }),
    });
    rendered.unwrap_or_else(|_| headlines(all))
}

/// The summary of a job: nothing is folded, and every trial is listed as far as the platform takes it.
///
/// # Errors
/// A template that names something that does not exist.
pub fn summary_with(
    results: &Results,
    place: &Place,
    templates: &Templates,
) -> Result<String, TemplateError> {
    let steps = std::iter::once((Extent::Full, Trials::Listed))
        .chain(Extent::ALL.map(|extent| (extent, Trials::LeftOut)));
    let steps: Vec<(Extent, Trials)> = steps.collect();
    templates.fitting("summary.md.j2", SUMMARY_MAX, &steps, |step| {
        Value::from(Serde(Summary::of(results, place, *step, &|view| templates.body(view))))
    })
}

/// The same by the built-in templates.
#[must_use]
pub fn summary(results: &Results, place: &Place) -> String {
    Templates::built_in()
        .and_then(|templates| summary_with(results, place, &templates))
        .unwrap_or_else(|_| headlines(std::slice::from_ref(results)))
}

/// Only a defect in a built-in template leads here: the verdicts are told all the same.
fn headlines(all: &[Results]) -> String {
    let lines = all.iter().map(|it| format!("### {}\n", Escaped::<Markdown>::prose(&it.headline)));
    lines.collect::<Vec<String>>().join("\n")
}

impl Templates {
    /// The page after the first step of these by which it is small enough, else after the last.
    fn fitting<S>(
        &self,
        name: &str,
        size: usize,
        steps: &[S],
        view: impl Fn(&S) -> Value,
    ) -> Result<String, TemplateError> {
        let page = self.0.get_template(name).map_err(|source| template_error(name, source))?;
        let mut text = String::new();
        for step in steps {
            text = page.render(view(step)).map_err(|source| template_error(name, source))?;
            if text.len() <= size {
                break;
            }
        }
        Ok(text)
    }

    /// What stands below a heading; nothing only by a defect in a built-in template.
    fn body(&self, view: &View) -> Escaped<Markdown> {
        let template = self.0.get_template("body.md.j2");
        let text = template.and_then(|body| body.render(Value::from(Serde(view))));
        Escaped::rendered(text.unwrap_or_default().trim_end().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{SIZE_MAX, Templates, comment, render, render_with, summary};
    use crate::report::{Download, Place, fixture};

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
        assert!(!report.contains("<script>") && report.contains("`@everyone`"), "{report}");
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
        assert!(report.len() <= SIZE_MAX, "{}", report.len());
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

    /// As the comment says it under a pull request.
    fn place() -> Place {
        Place {
            run_url: Some("https://github.com/o/r/actions/runs/9876543210".to_owned()),
            download: Some(Download { run: 9_876_543_210, artifact: "plimsoll".to_owned() }),
            is_claim: false,
        }
    }

    #[test]
    fn the_comment_says_where_the_run_is() {
        let text = comment(&[fixture::regression()], &place(), SIZE_MAX);
        assert!(text.contains("[run and files](https://github.com/o/r/actions/runs/9876543210)"));
        let fetch = "gh run download 9876543210 --name plimsoll --dir .plimsoll/accept\n\
                     plimsoll baseline accept .plimsoll/accept --reason";
        assert!(text.contains(fetch), "{text}");
        let claim = Place { is_claim: true, ..place() };
        assert!(comment(&[fixture::pass()], &claim, SIZE_MAX).contains("that run's claim"));
    }

    #[test]
    fn several_suites_have_one_heading_one_table_and_a_block_each() {
        let mut embed = fixture::improvement();
        embed.suite = "embed".to_owned();
        let mut died = fixture::target_died();
        died.suite = "rerank".to_owned();
        let all = [fixture::pass(), embed, fixture::regression(), died];
        insta::assert_snapshot!("comment-several", comment(&all, &place(), SIZE_MAX));
        let mut second = fixture::pass();
        second.suite = "embed".to_owned();
        insta::assert_snapshot!(
            "comment-pass",
            comment(&[fixture::pass(), second], &place(), SIZE_MAX)
        );
    }

    #[test]
    fn a_summary_of_megabytes_of_trials_leaves_them_out_and_says_so() {
        let mut results = fixture::regression();
        insta::assert_snapshot!("summary", summary(&results, &place()));
        let mut trial = results.checks[0].trials[3].clone();
        trial.slos[0].text = "x".repeat(190);
        results.checks[0].trials = vec![trial; 300];
        let check = results.checks[0].clone();
        results.checks = vec![check; 30];
        let text = summary(&results, &place());
        assert!(text.len() <= 900 * 1024, "{}", text.len());
        assert_eq!(text.matches("shortened; all of it is in the run").count(), 1);
    }

    #[test]
    fn two_hundred_gates_with_hostile_names_fit_and_every_fence_is_closed() {
        let mut results = fixture::regression();
        let check = results.checks[0].clone();
        results.checks = (0..200)
            .map(|index| {
                let mut check = check.clone();
                check.name = format!("{index}{}", "`|".repeat(100));
                check
            })
            .collect();
        for all in [vec![results.clone()], vec![results.clone(), results]] {
            let text = comment(&all, &place(), SIZE_MAX);
            assert!(text.len() <= SIZE_MAX, "{}", text.len());
            let fences = text.lines().filter(|line| line.starts_with("```")).count();
            assert_eq!(fences % 2, 0);
            assert_eq!(text.matches("<details").count(), text.matches("</details>").count());
        }
    }
}
