//! Just enough of Rust's grammar to read code without its comments, literals and tests.

/// The code with comments and literals blanked out; every line keeps its number.
pub(crate) fn code(text: &str) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    let mut word = false; // whether the last character belongs to a name
    while let Some(first) = rest.chars().next() {
        let length = if word { 0 } else { literal_prefix(rest) }.max(opaque(rest));
        let taken = if length == 0 { first.len_utf8() } else { length };
        let (head, tail) = rest.split_at(taken);
        if length == 0 {
            out.push(first);
        } else {
            out.extend(head.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        word = length == 0 && (first.is_alphanumeric() || first == '_');
        rest = tail;
    }
    out
}

/// The length in bytes of the comment, plain string or character that starts here, else 0.
fn opaque(rest: &str) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if rest.starts_with('"') {
        quoted(rest, '"')
    } else if rest.starts_with('\'') {
        character(rest)
    } else {
        0
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest[at..];
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a literal that opens with the quote and may escape by a backslash.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// `'x'` and `'\n'` are characters, `'a` alone is a lifetime and stays.
fn character(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => quoted(rest, '\''),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}

/// The length of a raw, byte or C string that starts here, with its prefix, else 0.
fn literal_prefix(rest: &str) -> usize {
    let letters = rest.len() - rest.trim_start_matches(['b', 'c', 'r']).len();
    let (prefix, body) = rest.split_at(letters);
    let hashes = body.len() - body.trim_start_matches('#').len();
    match prefix {
        "r" | "br" | "cr" if body[hashes..].starts_with('"') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = letters + hashes + 1;
            rest[inside..].find(&end).map_or(rest.len(), |at| inside + at + end.len())
        }
        "b" | "c" if body.starts_with('"') => letters + quoted(body, '"'),
        "b" if body.starts_with('\'') => letters + character(body),
        _ => 0,
    }
}

/// The code without what is compiled for tests only, and the names of the test modules that stand
/// in files of their own.
pub(crate) fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = String::with_capacity(code.len());
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some(at) = TEST_ONLY.iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, marked) = rest.split_at(at);
        let (item, after) = marked.split_at(item_length(marked));
        out.push_str(before);
        out.extend(item.chars().filter(|c| *c == '\n'));
        modules.extend(module_in_a_file(item));
        rest = after;
    }
    out.push_str(rest);
    (out, modules)
}

const TEST_ONLY: [&str; 2] = ["#[cfg(test)]", "#[cfg(all(test,"];

/// The length of an item with its attributes: up to the first `;` or the end of its first block.
fn item_length(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' if depth <= 1 => return at + 1 + usize::from(item[at + 1..].starts_with(';')),
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

fn module_in_a_file(item: &str) -> Option<String> {
    let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name.trim().to_owned())
}

#[test]
fn comments_and_literals_are_no_code() {
    let samples = [
        ("a // tokio\nb", "a         \nb"),
        ("a /* x /* y */ z */ b", "a                   b"),
        (r#"f("std::fs \" x") g"#, "f(              ) g"),
        ("r#\"a\"b\"# c", "         c"),
        ("b\"x\" br\"y\" c", "           c"),
        ("if c == '\"' { 'a' }", "if c ==     {     }"),
        ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
        ("'\\'' x", "     x"),
        ("herb\"x\"", "herb   "),
        ("\"a\nb\" c", "  \n   c"),
    ];
    for (text, expected) in samples {
        assert_eq!(code(text), expected, "{text}");
    }
}

#[test]
fn test_items_are_cut_out_and_lines_keep_their_numbers() {
    let text = "use a;\n#[cfg(test)]\n#[path(x)]\nmod tests {\n  use b;\n}\nuse c;";
    assert_eq!(without_tests(text).0, "use a;\n\n\n\n\n\nuse c;");
    let (rest, modules) = without_tests("#[cfg(test)]\npub(crate) mod fixture;\nmod kept;");
    assert_eq!((rest.trim(), modules), ("mod kept;", vec!["fixture".to_owned()]));
    assert_eq!(without_tests("#[cfg(test)] use x::{a, b}; y").0.trim(), "y");
    assert_eq!(without_tests("#[cfg(not(test))] use x;").0, "#[cfg(not(test))] use x;");
}
