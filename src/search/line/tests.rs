use super::{Line, Rule, Side, Standing};
use crate::search::{Point, Range, Scale};
use crate::stats::{Known, Reading, Response, logistic, logit};
use crate::units::as_f64;
use crate::workload::Random;

/// Accepted: 100; a loss of more than 10 % is none that may pass.
fn line() -> Line {
    Line {
        at: 90.0,
        sd: 0.01,
        side: Side::Floor,
        around: 100.0,
        response: Response::VAGUE,
        range: Range { from: 1.0, to: Some(1_000.0), expand: 2.0, scale: Scale::Real },
        rule: Rule::shared(1, 2),
    }
}

fn point(value: f64, share: f64) -> Point {
    let known = if share > 0.2 { Known::Settled } else { Known::Share };
    let reading = Reading { allowed: 0.05, share, n: 200.0, known };
    Point { value, held: share <= 0.05, full: true, reading, pace: None }
}

/// Plays until the line is decided: how, and after how many trials.
fn decided(line: &Line, mut share: impl FnMut(f64) -> f64) -> (Standing, Vec<Point>) {
    let mut points = Vec::new();
    loop {
        match line.standing(&points) {
            Standing::Open(value) => points.push(point(value, share(value))),
            end @ (Standing::Kept | Standing::Broken | Standing::Tired) => return (end, points),
        }
        assert!(points.len() <= 12);
    }
}

/// A service that follows the model.
fn service(seed: u64, truth: f64, spread: f64) -> impl FnMut(f64) -> f64 {
    let mut random = Random::new(seed, "line");
    move |value: f64| {
        let beyond = (value / truth).ln() + spread * random.normal();
        let p = logistic(logit(0.05) + 30.0 * beyond);
        as_f64((0..200).filter(|_| random.unit() < p).count() as u64) / 200.0
    }
}

#[test]
fn the_first_trial_is_played_at_the_line_itself() {
    assert_eq!(line().standing(&[]), Standing::Open(90.0));
    let probe = Point { full: false, ..point(90.0, 0.9) };
    assert_eq!(line().standing(&[probe]), Standing::Open(90.0), "a probe is no evidence");
}

#[test]
fn one_good_trial_is_enough_and_one_bad_trial_never() {
    let (end, points) = decided(&line(), |_| 0.0);
    assert_eq!((end, points.len()), (Standing::Kept, 1));
    let bad = point(90.0, 0.9);
    assert!(matches!(line().standing(&[bad]), Standing::Open(_)));
    assert_eq!(line().standing(&[bad, bad]), Standing::Broken);
    let remote = Line { rule: Rule::shared(1, 3), ..line() };
    assert!(matches!(remote.standing(&[bad, bad]), Standing::Open(_)));
    assert_eq!(remote.standing(&[bad, bad, bad]), Standing::Broken);
}

#[test]
fn a_capacity_on_the_line_tires_it_and_is_never_guessed() {
    // Always exactly at the limit, wherever it is played: no trial can tell.
    let (end, points) = decided(&line(), |_| 0.05);
    assert_eq!((end, points.len()), (Standing::Tired, 5));
    for point in &points {
        assert!((point.value / 90.0).ln().abs() <= 0.04 + 1e-9, "{}", point.value);
    }
    let risk = line().risk(&line().belief(&points));
    assert!((0.2..=0.8).contains(&risk), "{risk}");
}

#[test]
fn what_leans_to_one_side_goes_on() {
    let lines = [0.055, 0.06, 0.065, 0.07, 0.075].map(|share| decided(&line(), |_| share));
    for (end, points) in &lines {
        println!("{end:?} after {}", points.len());
    }
    assert!(lines.iter().any(|(_, points)| points.len() > 5));
    assert!(lines.iter().all(|(_, points)| points.len() <= 10));
}

#[test]
fn false_alarms_and_misses_are_rare() {
    // 200 gates a row. At a rate of 1 % more than 6 of 200 come in 0.4 % of such tests.
    for (change, spread, red, green) in [
        (1.0, 0.0, 0..=2, 198..=200),
        (1.0, 0.04, 0..=6, 180..=200),
        (0.8, 0.0, 198..=200, 0..=2),
        (0.8, 0.04, 185..=200, 0..=10),
        (0.7, 0.04, 196..=200, 0..=3),
    ] {
        let ends: Vec<Standing> = (0..200)
            .map(|seed| decided(&line(), service(seed, 100.0 * change, spread)).0)
            .collect();
        let count = |end| ends.iter().filter(|seen| **seen == end).count();
        let (broken, kept) = (count(Standing::Broken), count(Standing::Kept));
        println!("change {change}, spread {spread}: {broken} broken, {kept} kept of 200");
        assert!(
            red.contains(&broken) && green.contains(&kept),
            "{change} {spread}: {broken} {kept}"
        );
    }
}

#[test]
fn several_lines_share_the_errors_of_one() {
    let rule = Rule::shared(5, 2);
    assert!((rule.red - 0.995).abs() < 1e-12 && (Rule::shared(1, 2).red - 0.975).abs() < 1e-12);
    assert!((rule.green - 0.1).abs() < 1e-12 && rule.trials_max == 10);
    assert_eq!(Rule::shared(0, 2), Rule::shared(1, 2));
}

#[test]
fn an_uncertain_line_is_decided_with_less_certainty() {
    let belief = line().belief(&[point(90.0, 0.0)]);
    let vague = Line { sd: 0.05, ..line() };
    assert!(vague.risk(&belief) > line().risk(&belief));
}

#[test]
fn a_ceiling_is_a_floor_from_above() {
    let ceiling = Line { at: 110.0, side: Side::Ceiling, ..line() };
    assert_eq!(ceiling.standing(&[]), Standing::Open(110.0));
    let held = point(110.0, 0.0);
    assert_eq!(ceiling.standing(&[held, held]), Standing::Broken);
    let (end, _) = decided(&ceiling, |_| 0.9);
    assert_eq!(end, Standing::Kept);
}

#[test]
fn a_whole_knob_is_tested_at_the_first_value_on_the_good_side() {
    let range = Range { scale: Scale::Whole, ..line().range };
    let whole = |around: f64, drop: f64| Line {
        at: around * (1.0 - drop),
        around,
        sd: 0.0,
        range,
        ..line()
    };
    for (around, drop, start) in
        [(8.0, 0.1, 8.0), (8.0, 0.2, 7.0), (40.0, 0.1, 36.0), (8.0, 0.0, 8.0)]
    {
        let line = whole(around, drop);
        assert!((line.start() - start).abs() < 1e-9, "{around} {drop}: {}", line.start());
        // The first value on the good side holds: nothing is lost that may not be.
        let (end, _) = decided(&line, |value| if value <= start { 0.0 } else { 0.9 });
        assert_eq!(end, Standing::Kept, "{around} {drop}");
        // One of forty is less than two trials may differ by.
        let broken = if start > 20.0 { Standing::Tired } else { Standing::Broken };
        let (end, _) = decided(&line, |value| if value < start { 0.0 } else { 0.9 });
        assert_eq!(end, broken, "{around} {drop}");
    }
    let ceiling = Line { at: 8.0, side: Side::Ceiling, ..whole(8.0, 0.0) };
    assert!((ceiling.start() - 9.0).abs() < 1e-9);
    assert_eq!(decided(&ceiling, |value| if value <= 8.0 { 0.0 } else { 0.9 }).0, Standing::Kept);
    assert_eq!(decided(&ceiling, |value| if value <= 9.0 { 0.0 } else { 0.9 }).0, Standing::Broken);
}

#[test]
fn what_is_ruled_out_lies_where_the_probability_says() {
    let line = line();
    let belief = line.belief(&[point(90.0, 0.002)]);
    let loss = line.ruled_out(&belief, 0.9);
    assert!((0.03..0.10).contains(&loss), "{loss}");
    let at = (100.0 * (1.0 - loss)).ln();
    assert!((belief.crossing().below_uncertain(at, 0.01) - 0.1).abs() < 1e-3);
    assert!(line.ruled_out(&belief, 0.99) > loss);
}
