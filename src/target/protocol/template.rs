//! Variables in the path, the header values and the body of a request.

use super::Asked;
use crate::workload::{HistoryMode, conversation};
use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with `{session}`, `{turn}`, `{request}`, `{salt}`, `{prompt}`, `{prompt_tokens}`,
/// `{output_tokens}` and the parameter that the trial sets replaced; session, turn and request count from 0. Other braces stay as they
/// are, so that a JSON body needs no escapes; no value needs one inside a JSON string either.
#[must_use]
pub fn expand<'a>(text: &'a str, asked: &Asked<'_>) -> Cow<'a, str> {
    expand_by(text, |name| value(name, asked))
}

/// `text` with each `{name}` replaced for which there is a value.
pub(super) fn expand_by(text: &str, value: impl Fn(&str) -> Option<String>) -> Cow<'_, str> {
    if !text.contains('{') {
        return Cow::Borrowed(text);
    }
    let mut whole = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        whole.push_str(before);
        let name = from.get(1..).and_then(|tail| tail.split_once('}')).map(|(name, _)| name);
        if let Some((name, value)) = name.and_then(|name| Some((name, value(name)?))) {
            whole.push_str(&value);
            rest = from.get(name.len() + 2..).unwrap_or_default();
        } else {
            whole.push('{');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

/// What `{name}` stands for in any request.
pub(super) fn value(name: &str, asked: &Asked<'_>) -> Option<String> {
    Some(match name {
        "session" => asked.session.index.to_string(),
        "turn" => asked.turn.to_string(),
        "request" => asked.request.to_string(),
        "salt" => asked.salt.to_string(),
        "prompt" => conversation(asked.session, asked.turn, asked.salt, HistoryMode::None, &[])
            .pop()
            .map(|message| message.text)
            .unwrap_or_default(),
        _ => asked.number(name)?.to_string(),
    })
}

/// `path` with what may not stand in a URL (blanks of a prompt) in percent form.
pub(super) fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#')
        {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::{expand, percent_encoded};
    use crate::target::protocol::Asked;
    use crate::workload::{Dial, HistoryMode, Salt, Session, Setting, Turn};
    use std::time::Duration;

    #[test]
    fn variables_are_replaced_and_other_braces_stay() {
        let turn = Turn { prompt_tokens: 2, output_tokens: 9, think_time: Duration::ZERO };
        let session = Session { index: 7, offset: 0.0, turns: vec![turn; 2] };
        let setting = Setting { dial: Dial::Parameter("top_k".into()), value: 40 };
        let asked = Asked {
            session: &session,
            turn: 1,
            request: 31,
            salt: Salt::new(1, 2, "c", 3),
            history: HistoryMode::None,
            answers: &[],
            setting: Some(&setting),
        };
        let salt = asked.salt.to_string();
        for (text, expected) in [
            ("/a/{session}/{turn}?n={request}", "/a/7/1?n=31"),
            ("{\"n\": {output_tokens}, \"m\": {}}", "{\"n\": 9, \"m\": {}}"),
            ("{{turn}} {prompt_tokens} {unknown} {", "{1} 2 {unknown} {"),
            ("é{turn}é", "é1é"),
            ("{salt}", &salt),
            ("k={top_k}&{top}", "k=40&{top}"),
            ("none", "none"),
        ] {
            assert_eq!(expand(text, &asked), expected);
        }
        let prompt = expand("{prompt}", &asked).into_owned();
        assert_eq!(prompt.split(' ').count(), 2);
        assert!(prompt.chars().all(|c| c.is_ascii_lowercase() || c == ' '));
    }

    #[test]
    fn a_path_with_a_prompt_is_a_legal_path() {
        assert_eq!(percent_encoded("/q?p=ba ce&x=%20é"), "/q?p=ba%20ce&x=%20%C3%A9");
    }
}
