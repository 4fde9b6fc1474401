//! Whatever a suite, a target or a forged file says, a rendered page holds it as text: read by a
//! renderer of GitHub's dialect with raw HTML allowed, nothing of it is an element, a link or a
//! mention.

use super::{Download, Place, Results, fixture, json, markdown};
use proptest::prelude::*;
use serde_json::Value;

/// Elements that our own templates make.
const ELEMENTS: [&str; 19] = [
    "h3", "table", "thead", "tbody", "tr", "th", "td", "p", "ul", "li", "strong", "code", "pre",
    "details", "summary", "sub", "a", "em", "br",
];
/// Keys whose values are words of a fixed set: another word is no results file at all.
const WORDS: [&str; 13] = [
    "schema", "verdict", "kind", "ended", "validity", "evidence", "rule", "better", "code",
    "purpose", "side", "about", "tokens",
];
/// Keys whose values have names of any text.
const NAMED: [&str; 3] = ["facts", "failures", "by_outcome"];
const URL: &str = "https://github.com/o/r/actions/runs/9";

/// The same results with this text wherever a file may hold any text.
fn with_text(results: &Results, text: &str) -> Results {
    fn replace(value: &mut Value, key: &str, text: &str) {
        match value {
            Value::String(it) if !WORDS.contains(&key) => text.clone_into(it),
            Value::Array(items) if key != "hidden" => {
                items.iter_mut().for_each(|item| replace(item, key, text));
            }
            Value::Object(fields) => {
                if let (true, Some(name)) = (NAMED.contains(&key), fields.keys().next().cloned()) {
                    let value = fields.remove(&name).unwrap();
                    fields.insert(text.to_owned(), value);
                }
                fields.iter_mut().for_each(|(name, item)| replace(item, name, text));
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {}
        }
    }
    let mut value = serde_json::to_value(results).unwrap();
    replace(&mut value, "", text);
    Results::from_json(&json::render(&value)).unwrap().with_headline()
}

fn html(page: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(page, &options)
}

/// Without what stands in `<code>` and `<pre>`.
fn outside_code(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    loop {
        let begin = ["<pre", "<code"].iter().filter_map(|tag| rest.find(tag)).min();
        let Some(begin) = begin else { break };
        let end = if rest[begin..].starts_with("<pre") { "</pre>" } else { "</code>" };
        out.push_str(&rest[..begin]);
        let close = rest[begin..].find(end).unwrap_or_else(|| panic!("not closed: {rest}"));
        rest = &rest[begin + close + end.len()..];
    }
    out + rest
}

fn check(page: &str) -> Result<(), String> {
    let html = html(page);
    let outside = outside_code(&html);
    for tag in outside.split('<').skip(1) {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if !ELEMENTS.contains(&name.as_str()) {
            return Err(format!("<{name}> in {outside}"));
        }
        let inside = tag.split('>').next().unwrap_or_default();
        let is_plain = ["align=\"left\"", "align=\"right\"", " open", &format!("href=\"{URL}\"")]
            .iter()
            .fold(inside.trim_start_matches(['/']).replacen(&name, "", 1), |left, it| {
                left.replace(it, "")
            });
        if !is_plain.trim_matches([' ', '/']).is_empty() {
            return Err(format!("<{inside}> in {outside}"));
        }
    }
    let text = outside.replace(&format!("href=\"{URL}\""), "");
    for active in ["@", "://", "www.", "#1", "GH-1"] {
        if let Some((before, after)) = text.split_once(active) {
            let before: String =
                before.chars().rev().take(80).collect::<Vec<_>>().iter().rev().collect();
            let after: String = after.chars().take(80).collect();
            return Err(format!("{active} in {before}{active}{after}"));
        }
    }
    Ok(())
}

fn pages(text: &str) -> Vec<(&'static str, String)> {
    let place = |is_claim| Place {
        run_url: Some(URL.to_owned()),
        download: Some(Download { run: 9, artifact: text.to_owned() }),
        is_claim,
    };
    let all = fixture::states();
    let mut pages = Vec::new();
    for (name, results) in &all {
        let results = with_text(results, text);
        pages.push((
            *name,
            markdown::comment(std::slice::from_ref(&results), &place(false), 60_000),
        ));
        pages.push((*name, markdown::summary(&results, &place(true))));
    }
    let several: Vec<Results> = all.iter().map(|(_, it)| with_text(it, text)).collect();
    pages.push(("several", markdown::comment(&several, &place(true), 60_000)));
    pages
}

#[test]
fn known_attacks_stay_text() {
    for text in [
        "<img src=x onerror=alert(1)>",
        "</summary></details><script>x</script>",
        "`<b>` <b>x</b>",
        "``` ` ``` <i>",
        "a | b | <u>c</u> \\| d",
        "\n\n# owned\n\n<h1>x</h1>\n",
        "@everyone #1 o/r#12 GH-1 a@b.c",
        "http://evil.example www.evil.example https://x.y/(z)",
        "[x](http://evil.example) ![y](http://evil.example/z.png)",
        "[x]: http://evil.example\n[x]",
        "<!-- plimsoll:1 key=chat -->",
        "--> <b>",
        "$(x) $x$ ~~y~~ *z* __w__ [^1] [ ] - [x]",
        "\u{202e}evil\u{200b}@team",
        "&lt;b&gt; &#64;team &commat;team",
        "xychart-beta \"title\" \" x",
        "0123456789abcdef0123456789abcdef01234567",
        "`",
        "",
    ] {
        for (name, page) in pages(text) {
            check(&page).unwrap_or_else(|error| panic!("{text:?} in {name}: {error}"));
        }
    }
}

#[test]
fn the_check_sees_what_it_looks_for() {
    for page in [
        "<img src=x>",
        "@team",
        "see http://x.y",
        "[a](http://b.c)",
        "<sub onclick=x>a</sub>",
        "#1",
    ] {
        assert!(check(page).is_err(), "{page}");
    }
    assert_eq!(check("### x\n\n`@team <img>` **b**\n"), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_mix_of_them_stays_text(
        text in "(`{1,3}|\\||<[a-z/]{1,6}>?|@[a-z]{1,3}|#1|://|www\\.|[a-z ]{1,4}|\n|\\\\|[*_~\\[\\]()!&;$-]){0,14}",
    ) {
        for (name, page) in pages(&text) {
            if let Err(error) = check(&page) {
                return Err(TestCaseError::fail(format!("{text:?} in {name}: {error}")));
            }
        }
    }
}
