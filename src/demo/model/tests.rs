use super::Progress::{self, Cut, Finished, More, Stopped};
use super::{Admission, Event, Request, Server};
use crate::demo::Profile;
use proptest::prelude::*;
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Steps of exactly 10 ms, and 1 ms for each prompt token.
fn even() -> Profile {
    Profile {
        step: ms(10),
        per_sequence: Duration::ZERO,
        per_token: Duration::ZERO,
        per_prefill_token: ms(1),
        prefill_chunk: 4,
        max_num_seqs: 2,
        max_queue: 2,
        context: 100,
        jitter: 0.0,
        ..Profile::named("llm").unwrap()
    }
}

fn request(id: u64, prompt_tokens: u32, output_tokens: u32) -> Request {
    Request { id, prompt_tokens, output_tokens, output_min: output_tokens }
}

/// Id, milliseconds, and whether it was the last.
fn seen(events: &[Event]) -> Vec<(u64, u128, Progress)> {
    events.iter().map(|event| (event.id, event.at.as_millis(), event.progress)).collect()
}

#[test]
fn the_step_that_completes_the_prompt_gives_the_first_token() {
    let mut server = Server::new(&even());
    assert_eq!(server.submit(ms(5), request(1, 6, 3)), Admission::Accepted);
    assert_eq!(server.next_event(), Some(ms(19))); // 10 + 4 prompt tokens, of 6
    let events = server.advance(ms(1_000));
    assert_eq!(seen(&events), [(1, 31, More), (1, 41, More), (1, 51, Finished)]);
    assert_eq!(server.next_event(), None);
    assert_eq!(server.stats().tokens_held, 0);
}

#[test]
fn the_prefill_chunk_is_shared_in_order_of_arrival() {
    let mut server = Server::new(&even());
    let _ = server.submit(ms(0), request(1, 1, 1)); // alone in the first step
    let _ = server.submit(ms(1), request(2, 3, 2));
    let _ = server.submit(ms(2), request(3, 3, 1)); // one token with 2, two in the next step
    let events = server.advance(ms(1_000));
    assert_eq!(
        seen(&events),
        [(1, 11, Finished), (2, 25, More), (2, 37, Finished), (3, 37, Finished)]
    );
}

#[test]
fn a_full_batch_makes_wait_and_a_full_queue_sheds() {
    let mut server = Server::new(&even());
    for id in 1..=4 {
        let admission = server.submit(ms(0), request(id, 1, 10));
        let expected =
            if id < 4 { Admission::Accepted } else { Admission::Shed { retry_after: ms(1_000) } };
        assert_eq!(admission, expected, "{id}");
    }
    let _ = server.advance(ms(11)); // 2 joins 1; 3 waits
    assert_eq!((server.stats().running, server.stats().waiting), (2, 1));
    let _ = server.advance(ms(10_000));
    let stats = server.stats();
    assert_eq!((stats.accepted, stats.finished, stats.shed, stats.generated_tokens), (3, 3, 1, 30));
}

#[test]
fn an_idle_server_takes_a_request_even_without_a_queue() {
    let mut server = Server::new(&Profile { max_queue: 0, max_num_seqs: 0, ..even() });
    assert_eq!(server.submit(ms(0), request(1, 1, 1)), Admission::Accepted);
    assert!(matches!(server.submit(ms(0), request(2, 1, 1)), Admission::Shed { .. }));
    assert_eq!(seen(&server.advance(ms(11))), [(1, 11, Finished)]);
}

#[test]
fn prompt_and_output_together_are_held_against_the_context() {
    let mut server = Server::new(&even());
    assert_eq!(server.submit(ms(0), request(1, 90, 10)), Admission::Accepted);
    let refused = Admission::ContextExceeded { limit: 100 };
    assert_eq!(server.submit(ms(0), request(2, 90, 11)), refused);
    assert_eq!(server.submit(ms(0), request(3, u32::MAX, 1)), refused);
    assert_eq!(server.stats().refused, 2);
}

#[test]
fn a_cancelled_request_says_nothing_more_and_frees_its_place_at_the_next_step() {
    let mut server = Server::new(&even());
    for id in 1..=2 {
        let _ = server.submit(ms(0), request(id, 1, 5));
    }
    let _ = server.advance(ms(11));
    let _ = server.submit(ms(12), request(3, 1, 1));
    let _ = server.submit(ms(12), request(4, 1, 1));
    server.cancel(ms(13), 1);
    server.cancel(ms(13), 1);
    server.cancel(ms(13), 4); // leaves the queue at once
    server.cancel(ms(13), 99);
    assert_eq!((server.stats().running, server.stats().waiting), (2, 1));
    let events = server.advance(ms(33));
    assert_eq!(seen(&events), [(2, 22, More), (2, 33, More), (3, 33, Finished)]);
    assert_eq!(server.stats().cancelled, 2);
}

#[test]
fn a_late_look_does_not_delay_the_model() {
    let mut server = Server::new(&even());
    let _ = server.submit(ms(0), request(1, 1, 2));
    // Long overdue: both tokens keep their times; the new request starts when it came.
    let _ = server.submit(ms(500), request(2, 1, 1));
    assert_eq!(server.next_event(), Some(ms(11)));
    assert_eq!(
        seen(&server.advance(ms(600))),
        [(1, 11, More), (1, 21, Finished), (2, 511, Finished)]
    );
}

#[test]
fn every_term_of_the_step_counts_and_the_slowdown_stretches_all() {
    let mut profile = even();
    profile.per_sequence = ms(100);
    profile.per_token = ms(1_000);
    profile.faults.slowdown = 2.0;
    profile.faults.cold_start = ms(5);
    let mut server = Server::new(&profile);
    let _ = server.submit(ms(0), request(1, 3, 2));
    // 2 (10 + 100 + 3000 + 3) + 5, then 2 (10 + 100 + 4000)
    assert_eq!(seen(&server.advance(ms(60_000))), [(1, 6_231, More), (1, 14_451, Finished)]);
}

#[test]
fn a_new_speed_holds_from_the_next_step_on() {
    let mut server = Server::new(&even());
    let _ = server.submit(ms(0), request(1, 1, 4));
    server.set_speed(ms(12), 0.5); // the second step runs until 21
    let mut events = server.advance(ms(25));
    server.set_speed(ms(25), 2.0);
    events.extend(server.advance(ms(1_000)));
    assert_eq!(seen(&events), [(1, 11, More), (1, 21, More), (1, 41, More), (1, 46, Finished)]);
}

#[test]
fn a_freeze_delays_the_step_that_meets_it() {
    let mut profile = even();
    profile.faults.freeze_every = Some(ms(15));
    profile.faults.freeze_for = ms(100);
    let mut server = Server::new(&profile);
    let _ = server.submit(ms(0), request(1, 1, 2));
    assert_eq!(seen(&server.advance(ms(1_000))), [(1, 11, More), (1, 121, Finished)]);
}

#[test]
fn faults_hit_their_share_and_one_does_not_move_another() {
    let outcomes = |error_rate: f64, shed_rate: f64, truncate_rate: f64| {
        let mut profile = even();
        profile.faults.error_rate = error_rate;
        profile.faults.shed_rate = shed_rate;
        profile.faults.truncate_rate = truncate_rate;
        let mut server = Server::new(&profile);
        let mut failed = Vec::new();
        for id in 0..2_000 {
            let at = ms(id * 1_000);
            if server.submit(at, request(id, 1, 4)) == Admission::Failed {
                failed.push(id);
            }
        }
        let _ = server.advance(ms(10_000_000));
        (failed, server.stats())
    };
    let (failed, stats) = outcomes(0.25, 0.0, 0.0);
    assert!((430..570).contains(&stats.failed), "{stats:?}");
    let (failed_too, stats) = outcomes(0.25, 0.5, 0.5);
    assert_eq!(failed, failed_too);
    assert!((680..820).contains(&stats.shed), "{stats:?}");
    assert!((320..430).contains(&stats.cut), "{stats:?}");
    assert_eq!(stats.cut * 2 + stats.finished * 4, stats.generated_tokens);
    assert_eq!(outcomes(1.0, 0.0, 0.0).1.failed, 2_000);
    assert_eq!(outcomes(0.0, 1.0, 0.0).1.shed, 2_000);
}

#[test]
fn a_cut_stream_gives_half_of_its_tokens() {
    let mut profile = even();
    profile.faults.truncate_rate = 1.0;
    let mut server = Server::new(&profile);
    let _ = server.submit(ms(0), request(1, 1, 3));
    assert_eq!(seen(&server.advance(ms(1_000))), [(1, 11, More), (1, 21, Cut)]);
    assert_eq!((server.stats().finished, server.stats().cut), (0, 1));
}

#[test]
fn an_answer_ends_by_itself_within_its_bounds_and_says_so() {
    let mut server = Server::new(&even());
    for id in 0..300 {
        let _ = server.submit(ms(id * 1_000), Request { output_min: 3, ..request(id, 1, 6) });
    }
    let mut lengths = [0_usize; 7];
    for chunk in server.advance(ms(10_000_000)).chunk_by(|a, b| a.id == b.id) {
        let expected = if chunk.len() < 6 { Stopped } else { Finished };
        assert_eq!(chunk.last().map(|event| event.progress), Some(expected));
        lengths[chunk.len()] += 1;
    }
    assert!(lengths[..3].iter().all(|n| *n == 0), "{lengths:?}");
    assert!(lengths[3..].iter().all(|n| *n > 40), "{lengths:?}");
    let stats = server.stats();
    assert_eq!((stats.finished, stats.stopped), (lengths[6] as u64, 300 - lengths[6] as u64));
}

#[derive(Debug, Clone)]
enum Act {
    Submit { prompt: u32, output: u32 },
    Cancel { id: u64 },
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    let submit = (1_u32..40, 1_u32..12).prop_map(|(prompt, output)| Act::Submit { prompt, output });
    let act = prop_oneof![4 => submit, 1 => (0_u64..40).prop_map(|id| Act::Cancel { id })];
    prop::collection::vec((0_u64..60, act), 1..40)
}

/// Plays the acts, looking at the server at the given intervals in between, or not at all.
fn play(
    profile: &Profile,
    acts: &[(u64, Act)],
    look_every: Option<Duration>,
) -> (Vec<Event>, String) {
    let mut server = Server::new(profile);
    let mut events = Vec::new();
    let mut admissions = Vec::new();
    let mut now = Duration::ZERO;
    let mut look = Duration::ZERO;
    let end = ms(200_000);
    for (id, (gap, act)) in (0_u64..).zip(acts) {
        now += ms(*gap);
        while let Some(every) = look_every
            && look < now
        {
            events.extend(server.advance(look));
            look += every;
        }
        match act {
            Act::Submit { prompt, output } => {
                admissions.push(server.submit(now, request(id, *prompt, *output)));
            }
            Act::Cancel { id } => server.cancel(now, *id),
        }
    }
    while let Some(at) = server.next_event().filter(|_| look_every.is_some()) {
        events.extend(server.advance(at));
    }
    events.extend(server.advance(end));
    (events, format!("{admissions:?} {:?}", server.stats()))
}

proptest! {
    #[test]
    fn how_often_it_is_looked_at_changes_nothing(acts in acts(), every in 1_u64..50, freeze in any::<bool>()) {
        let mut profile = Profile { jitter: 0.3, max_queue: 5, ..even() };
        profile.faults.truncate_rate = 0.2;
        profile.faults.error_rate = 0.1;
        profile.faults.freeze_every = freeze.then_some(ms(70));
        let once = play(&profile, &acts, None);
        prop_assert_eq!(&once, &play(&profile, &acts, Some(ms(every))));
        prop_assert!(once.0.is_sorted_by_key(|event| event.at));
    }

    #[test]
    fn whoever_is_accepted_and_stays_gets_every_token(acts in acts()) {
        let acts: Vec<_> = acts.into_iter().filter(|(_, act)| matches!(act, Act::Submit { .. })).collect();
        let profile = Profile { max_queue: 1_000, ..even() };
        let (events, _) = play(&profile, &acts, None);
        for (id, (_, act)) in (0_u64..).zip(&acts) {
            let Act::Submit { output, .. } = act else { unreachable!() };
            let of_it: Vec<_> = events.iter().filter(|event| event.id == id).collect();
            prop_assert_eq!(of_it.len(), *output as usize);
            prop_assert_eq!(of_it.last().map(|event| event.progress), Some(Finished));
        }
    }
}
