//! The grammar: `[pNN|mean|max|min] METRIC (<|<=|>|>=) VALUE`.

use super::{Comparison, Metric, Slo, Statistic};
use crate::units::{ParseQuantityError, Quantity, Ratio, Unit};
use std::ops::Range;

/// Why a text is no condition: what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ParseSloError {
    /// The sentence.
    pub what: String,
    /// Byte range in the condition's text.
    pub span: Range<usize>,
    /// What to write instead.
    pub hint: String,
}

const SHAPE: &str =
    "a condition reads like `p99 ttfc < 500ms`, `mean e2e <= 2s` or `error_rate < 1%`";

/// Words of the grammar that this version understands but does not measure yet.
const NOT_MEASURED: [&str; 4] = ["rss", "cpu", "prom", "json"];

pub(super) fn slo(text: &str) -> Result<Slo, ParseSloError> {
    let (head, comparison, tail) = split(text)?;
    let words: Vec<(usize, &str)> = words_with_offsets(head);
    let (statistic, (at, name)) = match *words.as_slice() {
        [metric] => (None, metric),
        [(at, word), metric] => (Some((at, word, statistic(at, word)?)), metric),
        _ => return Err(error(text, 0..head.len(), "expected a statistic and one metric", SHAPE)),
    };
    let metric = metric(text, at, name)?;
    let whole = !metric.is_latency();
    let statistic = match statistic {
        None if whole => Statistic::Whole,
        None => {
            let hint = format!("write `p99 {name}`, `mean {name}` or `max {name}`");
            return Err(error(
                text,
                at..at + name.len(),
                format!("`{name}` is a distribution: which number of it is meant?"),
                hint,
            ));
        }
        Some((at, word, _)) if whole => {
            let what = format!("`{}` is one number per trial and has no `{word}`", metric.name());
            return Err(error(text, at..at + word.len(), what, format!("write `{name} …` alone")));
        }
        Some((_, _, statistic)) => statistic,
    };
    let offset = text.len() - tail.len();
    let limit = limit(text, metric, offset, tail)?;
    if matches!(statistic, Statistic::Quantile(_)) && !comparison.bounds_above() {
        return Err(error(
            text,
            0..text.len(),
            "a latency quantile can only be bounded from above",
            "use `<` or `<=`",
        ));
    }
    Ok(Slo { statistic, metric, comparison, limit })
}

fn error(
    text: &str,
    span: Range<usize>,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> ParseSloError {
    let end = span.end.clamp(span.start, text.len().max(span.start));
    ParseSloError { what: what.into(), span: span.start..end, hint: hint.into() }
}

fn split(text: &str) -> Result<(&str, Comparison, &str), ParseSloError> {
    let Some(at) = text.find(['<', '>']) else {
        return Err(error(text, 0..text.len(), "there is no comparison", SHAPE));
    };
    let (head, rest) = text.split_at(at);
    let (comparison, width) = match rest.as_bytes() {
        [b'<', b'=', ..] => (Comparison::LessOrEqual, 2),
        [b'>', b'=', ..] => (Comparison::GreaterOrEqual, 2),
        [b'<', ..] => (Comparison::Less, 1),
        _ => (Comparison::Greater, 1),
    };
    Ok((head, comparison, rest.split_at(width).1))
}

fn words_with_offsets(text: &str) -> Vec<(usize, &str)> {
    let mut offset = 0;
    let mut words = Vec::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let trimmed = word.trim();
        if !trimmed.is_empty() {
            words.push((offset, trimmed));
        }
        offset += word.len();
    }
    words
}

fn statistic(at: usize, word: &str) -> Result<Statistic, ParseSloError> {
    let bad = |hint: &str| {
        let what = format!("`{word}` is no statistic");
        Err(ParseSloError { what, span: at..at + word.len(), hint: hint.to_owned() })
    };
    match word {
        "mean" => Ok(Statistic::Mean),
        "max" => Ok(Statistic::Max),
        "min" => Ok(Statistic::Min),
        _ => match word.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok()) {
            // Rounding makes `p99.9` exactly 0.999, whatever the division gives.
            Some(percent) if percent > 0.0 && percent < 100.0 => {
                match Ratio::new((percent * 1e7).round() / 1e9) {
                    Some(q) => Ok(Statistic::Quantile(q)),
                    None => bad("a percentile lies between p0 and p100, both excluded"),
                }
            }
            Some(_) => bad(
                "a percentile lies between p0 and p100, both excluded; for the largest value write `max`",
            ),
            None => bad("use `p50` … `p99.9`, `mean`, `max` or `min`"),
        },
    }
}

fn metric(text: &str, at: usize, name: &str) -> Result<Metric, ParseSloError> {
    let span = at..at + name.len();
    if let Some(metric) = Metric::from_name(name) {
        return Ok(metric);
    }
    let stem = name.split([':', '[']).next().unwrap_or(name);
    if NOT_MEASURED.contains(&stem) {
        let what = format!("`{stem}` cannot be measured yet");
        return Err(error(
            text,
            span,
            what,
            "take the condition out; a limit that nobody measures is no limit",
        ));
    }
    if name.contains('[') {
        let what = "conditions on one class or turn are not supported yet";
        return Err(error(text, span, what, format!("write `{stem}` without the brackets")));
    }
    let near = Metric::ALL
        .into_iter()
        .map(|metric| (strsim::jaro_winkler(name, metric.name()), metric.name()))
        .filter(|(similarity, _)| *similarity >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let hint = match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => format!("known metrics: {}", Metric::ALL.map(Metric::name).join(", ")),
    };
    Err(error(text, span, format!("unknown metric `{name}`"), hint))
}

fn limit(text: &str, metric: Metric, offset: usize, tail: &str) -> Result<Quantity, ParseSloError> {
    let span = offset..text.len();
    let example = match metric.unit() {
        Unit::Seconds => "500ms",
        Unit::Ratio => "1%",
        Unit::PerSecond => "100/s",
        Unit::Bytes => "512MiB",
        Unit::Count => "10",
    };
    if let Some(at) = tail.find(" in ") {
        let start = offset + at + 1;
        return Err(error(
            text,
            start..text.len(),
            "conditions on windows are not supported yet",
            "take the `in … windows` part out",
        ));
    }
    let hint = |quantity: &str| match metric.unit() {
        Unit::Seconds => format!("a time needs its unit: `{quantity}ms` or `{quantity}s`"),
        Unit::Ratio => format!("a share is written in per cent: `{quantity}%`"),
        Unit::PerSecond => format!("a rate needs its unit: `{quantity}/s`"),
        Unit::Bytes => format!("a size needs its unit: `{quantity}MiB`"),
        Unit::Count => format!("write a plain number: `{quantity}`"),
    };
    match Quantity::parse(tail) {
        Ok(quantity) if quantity.unit() == metric.unit() && quantity.value() >= 0.0 => {
            if metric.unit() == Unit::Ratio && quantity.value() > 1.0 {
                return Err(error(
                    text,
                    span,
                    "a share cannot exceed 100%",
                    "write a value from `0%` to `100%`",
                ));
            }
            Ok(quantity)
        }
        Ok(quantity) if quantity.value() < 0.0 => Err(error(
            text,
            span,
            "a limit cannot be negative",
            format!("write for example `{example}`"),
        )),
        Ok(quantity) if quantity.unit() == Unit::Count => Err(error(
            text,
            span,
            format!("the limit of `{}` has no unit", metric.name()),
            hint(tail.trim()),
        )),
        Ok(_) => {
            let what = format!("`{}` is not in the unit of `{}`", tail.trim(), metric.name());
            Err(error(text, span, what, format!("write for example `{example}`")))
        }
        Err(ParseQuantityError::UnknownUnit { unit }) => Err(error(
            text,
            span,
            format!("unknown unit `{unit}`"),
            format!("write for example `{example}`"),
        )),
        Err(ParseQuantityError::NotANumber { .. } | ParseQuantityError::MissingUnit { .. }) => {
            Err(error(text, span, "expected a limit", format!("write for example `{example}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::slo::{Metric, Rule, Slo};
    use proptest::prelude::*;

    #[test]
    fn conditions_are_read_and_written_alike() {
        for (text, canonical) in [
            ("p99 ttfc < 500ms", "p99 ttfc < 500ms"),
            ("  p99.9   ttft<=2s ", "p99.9 ttfc <= 2s"),
            ("p90 itl < 0.05s", "p90 tbc < 50ms"),
            ("mean e2e < 1.5s", "mean e2e < 1.5s"),
            ("error_rate < 1%", "error_rate < 1%"),
            ("success >= 100%", "success >= 100%"),
            ("throughput > 100/s", "throughput > 100/s"),
        ] {
            let slo = Slo::parse(text).unwrap();
            assert_eq!(slo.to_string(), canonical);
            assert_eq!(Slo::parse(canonical).unwrap(), slo);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_the_cure() {
        for (text, part, what, hint) in [
            ("p99 ttfc < 500", " 500", "has no unit", "500ms"),
            ("error_rate < 0.01", " 0.01", "has no unit", "per cent"),
            ("ttfc < 500ms", "ttfc", "which number", "p99 ttfc"),
            ("p99 error_rate < 1%", "p99", "one number per trial", "alone"),
            ("p99 tffc < 1s", "tffc", "unknown metric", "ttfc"),
            ("p100 ttfc < 1s", "p100", "no statistic", "max"),
            ("median ttfc < 1s", "median", "no statistic", "p50"),
            ("p99 ttfc 500ms", "p99 ttfc 500ms", "no comparison", "reads like"),
            ("p99 ttfc < 5%", " 5%", "not in the unit", "500ms"),
            ("p99 ttfc > 5ms", "p99 ttfc > 5ms", "from above", "<"),
            ("error_rate < 120%", " 120%", "exceed 100%", "0%"),
            ("p99 ttfc < -1s", " -1s", "negative", "500ms"),
            ("p99 ttfc < 5 parsecs", " 5 parsecs", "unknown unit", "500ms"),
            ("rss < 512MiB", "rss", "cannot be measured yet", "take the condition out"),
            ("p99 ttfc < 1s in all windows", "in all windows", "windows", "take the"),
            ("p99 ttfc[turn=2] < 1s", "ttfc[turn=2]", "one class or turn", "`ttfc`"),
            ("", "", "no comparison", "reads like"),
        ] {
            let error = Slo::parse(text).unwrap_err();
            assert_eq!(&text[error.span.clone()], part, "{text}: {error:?}");
            assert!(error.what.contains(what), "{text}: {error:?}");
            assert!(error.hint.contains(hint), "{text}: {error:?}");
        }
    }

    #[test]
    fn rules_follow_from_the_condition() {
        let share = |text: &str| match Slo::parse(text).unwrap().rule() {
            Rule::Share { allowed, strict } => Some(((allowed.get() * 1e6).round() / 1e6, strict)),
            Rule::Number => None,
        };
        assert_eq!(share("p99 ttfc < 1s"), Some((0.01, false)));
        assert_eq!(share("error_rate < 1%"), Some((0.01, true)));
        assert_eq!(share("success >= 100%"), Some((0.0, false)));
        assert_eq!(share("mean ttfc < 1s"), None);
        assert_eq!(share("throughput > 10/s"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "\\PC{0,60}") {
            if let Err(error) = Slo::parse(&text) {
                prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
            }
        }

        #[test]
        fn parse_of_display_is_identity(q in 1u32..9999, ms in 1u32..100_000) {
            let text = format!("p{} ttfc < {ms}ms", f64::from(q) / 100.0);
            let slo = Slo::parse(&text).unwrap();
            prop_assert_eq!(slo.metric, Metric::Ttfc);
            prop_assert_eq!(Slo::parse(&slo.to_string()).unwrap(), slo);
        }
    }
}
