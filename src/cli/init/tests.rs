//! What is written, for every server, and what is refused.

use super::{ExitStatus, Init, Server};
use crate::config::Plan;
use crate::config::plan::TargetSource;
use clap::{Parser, ValueEnum as _};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    init: Init,
}

fn parse(words: &[&str]) -> Result<Init, clap::Error> {
    Line::try_parse_from(["init"].iter().chain(words)).map(|line| line.init)
}

fn text(words: &[&str]) -> Result<String, String> {
    let mut words = words.to_vec();
    words.splice(1..1, ["--suite", "chat"]);
    parse(&words).unwrap().text().map_err(|refusal| format!("{}; {}", refusal.0, refusal.1))
}

fn plan(text: &str, sets: &[String]) -> Plan {
    crate::config::read("plimsoll.yml".as_ref(), text, sets, &|_| None).unwrap_or_else(|invalid| {
        panic!("{}", invalid.problems.render(&invalid.source_text, false))
    })
}

#[test]
fn every_preset_is_a_suite_whose_search_fits_its_budgets() {
    for server in Server::value_variants() {
        let name = server.to_possible_value().unwrap().get_name().to_owned();
        for source in [&[][..], &["--url", "https://h:1/x"], &["--command", "./s", "{port}"]] {
            if *server == Server::Demo && !source.is_empty() {
                assert!(text(&[&[&*name], source].concat()).unwrap_err().contains("built in"));
                continue;
            }
            let text = text(&[&[&*name], source].concat()).unwrap();
            let measure = format!("budget.time={}", server.facts().measure);
            let plan = plan(&text, &[measure]);
            let costs =
                crate::run::announce(&crate::run::Orders::first(&plan, &Default::default()))
                    .unwrap();
            for (_, cost, allowance) in costs {
                assert!(cost.typical < allowance.time, "{name}: {cost:?}");
                let check = self::plan(&text, &[]).budget.time;
                assert!(check > cost.trial * 6, "{name}: {cost:?} in {check:?}");
            }
            let long = text.lines().find(|line| line.chars().count() > 100);
            assert_eq!(long, None);
            assert!(!text.contains("\n\n\n") && !text.contains("<model>"), "{text}");
            let is_known = matches!(server, Server::Vllm | Server::Sglang | Server::LlamaCpp);
            assert_eq!(text.contains("ignore_eos: true"), is_known, "{name}");
        }
    }
}

#[test]
fn the_suite_for_vllm_reads_well() {
    insta::assert_snapshot!(text(&["vllm", "--model", "meta-llama/Llama-3.1-8B"]).unwrap());
}

#[test]
fn what_the_user_names_reaches_the_plan_unchanged() {
    let hostile = ["./s", "--x", "a: b # c\n", "\"'\\", "${HOME}", "{{ 1 }}", "{port}"];
    let command = [&["vllm", "--model", "x\n  extra: {}", "--command"], &hostile[..]].concat();
    let TargetSource::Managed(managed) = plan(&text(&command).unwrap(), &[]).target.source else {
        panic!("no command");
    };
    assert_eq!(managed.command, hostile);
}

#[test]
fn what_is_sent_is_the_name_that_the_server_answers_to() {
    for (words, sent) in [
        (&["tgi", "--model", "m"][..], "model: tgi\n"),
        (&["tgi", "--model", "m", "--url", "http://h"], "model: m\n"),
        (&["vllm", "--model", "a: b"], "model: \"a: b\"\n"),
    ] {
        assert!(text(words).unwrap().contains(sent), "{words:?}");
    }
    assert!(text(&["tgi", "--model", "m"]).unwrap().contains("--model-id, m,"));
}

#[test]
fn what_cannot_be_a_suite_is_refused_with_the_reason() {
    assert!(parse(&["--url", "http://h", "--command", "./s", "{port}"]).is_err());
    for (words, reason) in [
        (&["openai", "--url", "ftp://h"][..], "http://"),
        (&["openai", "--url", "http://h\n  model: x"], "cannot be read"),
        (&["vllm", "--command", "./serve", "--verbose"], "not told its port"),
        (&["http", "--model", "m"], "--model"),
        (&["vllm", "--suite", "../x"], "--suite x"),
    ] {
        let refusal = parse(words).unwrap().text().unwrap_err();
        assert!(format!("{refusal:?}").contains(reason), "{words:?}: {refusal:?}");
    }
}

#[test]
fn an_unknown_server_is_answered_with_the_nearest_and_the_list() {
    let error = parse(&["vlm"]).unwrap_err().to_string();
    assert!(error.contains("'vllm'") && error.contains("llama-cpp"), "{error}");
    assert_eq!(parse(&[]).unwrap().server, Server::Openai);
}

#[test]
fn a_file_that_is_there_is_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plimsoll.yml");
    let output = file.to_str().unwrap();
    let run = |words: &[&str]| parse(&[&["demo", "--output"], words].concat()).unwrap().run();
    std::fs::write(&file, "mine").unwrap();
    assert_eq!(run(&[output]), ExitStatus::Usage);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(run(&[output, "--force"]), ExitStatus::Pass);
    assert!(std::fs::read_to_string(&file).unwrap().contains("demo: { profile: llm }"));
    let nowhere = folder.path().join("none/x.yml");
    let nowhere = nowhere.to_str().unwrap();
    let refused = parse(&["demo", "--output", nowhere]).unwrap().write().unwrap_err();
    let wanted = format!("cannot write `{nowhere}`: No such file or directory (os error 2)");
    assert_eq!(refused.0, wanted);
    let steps = parse(&["vllm", "--output", "a/b.yml"]).unwrap().next_steps();
    assert!(steps.contains("plimsoll check --config a/b.yml"), "{steps}");
}
