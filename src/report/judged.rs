//! Results that somebody else wrote: what follows from their gates is worked out again.

use super::Verdict;
use super::results::{
    BudgetResult, EnvironmentResult, Problem, ProblemCode, Results, SCHEMA, TargetResult,
};

/// Exit codes in the order in which they win; 0 is what is left.
const CODES: [u8; 7] = [130, 2, 4, 1, 5, 6, 3];

/// The exit code that wins of these.
pub(super) fn winning(codes: &[u8]) -> u8 {
    CODES.into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

impl Results {
    /// What stands for a suite that should have run and did not.
    #[must_use]
    pub fn missing(suite: &str, text: String) -> Self {
        let problem = Problem { code: ProblemCode::Usage, text, last_lines: Vec::new() };
        let exit_code = problem.code.exit_code();
        Self {
            schema: SCHEMA.to_owned(),
            suite: suite.to_owned(),
            plimsoll: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Error,
            exit_code,
            gate_exit_code: exit_code,
            hidden: Vec::new(),
            headline: String::new(),
            started: String::new(),
            seconds: 0.0,
            environment: EnvironmentResult::default(),
            target: TargetResult::default(),
            skipped: None,
            verb: "check".to_owned(),
            file: String::new(),
            repository_file: None,
            baselines: String::new(),
            out: String::new(),
            run: String::new(),
            overrides: Vec::new(),
            only: Vec::new(),
            seed: 0,
            budget: BudgetResult { seconds: 0.0, requests: 0, requests_sent: 0 },
            commit: None,
            head: None,
            baseline: None,
            against: None,
            checks: Vec::new(),
            notices: Vec::new(),
            warnings: Vec::new(),
            refusals: Vec::new(),
            problem: Some(problem),
        }
        .with_headline()
    }

    /// The same, with the exit codes and the headline that follow from its gates when these verdicts
    /// fail a run. Of a file that somebody else wrote, nothing else decides them.
    #[must_use]
    pub fn judged_by(mut self, fails: impl Fn(Verdict) -> bool) -> Self {
        let mut all: Vec<(Verdict, bool)> = Vec::new();
        for check in &self.checks {
            if check.gates.is_empty() {
                all.push((check.verdict, false));
            }
            for gate in &check.gates {
                all.push((gate.verdict, gate.hollow));
                all.extend(gate.also.iter().map(|also| (also.verdict, also.hollow)));
            }
        }
        let problem = self.problem.as_ref().map(|problem| problem.code.exit_code());
        let nothing = all.is_empty() && self.skipped.is_none();
        let code = |counts: &dyn Fn(Verdict, bool) -> bool| {
            let of = |(verdict, hollow): &(Verdict, bool)| {
                let code = if *hollow { 5 } else { verdict.exit_code() };
                counts(*verdict, *hollow).then_some(code)
            };
            let codes: Vec<u8> =
                all.iter().filter_map(of).chain(problem).chain(nothing.then_some(5)).collect();
            winning(&codes)
        };
        self.exit_code = code(&|_, _| true);
        self.gate_exit_code = code(&|verdict, hollow| hollow || fails(verdict));
        self.hidden = Verdict::ALL
            .into_iter()
            .filter(|it| it.is_red() && !fails(*it) && all.contains(&(*it, false)))
            .collect();
        self.verdict = match (&problem, all.iter().map(|(verdict, _)| *verdict).min()) {
            (Some(_), _) => Verdict::Error,
            (None, Some(worst)) => worst,
            (None, None) if self.skipped.is_some() => Verdict::Skipped,
            (None, None) => Verdict::Error,
        };
        self.with_headline()
    }

    /// How bad it is, the worst first: by the order in which exit codes win, then by verdict.
    #[must_use]
    pub fn severity(&self) -> (usize, Verdict) {
        let rank = CODES.iter().position(|code| *code == self.gate_exit_code);
        (rank.unwrap_or(CODES.len()), self.verdict)
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Results, Verdict, fixture};

    #[test]
    fn what_a_file_claims_of_its_exit_code_is_worked_out_again() {
        for (name, results) in fixture::states() {
            let hidden = results.hidden.clone();
            let mut forged = results.clone();
            (forged.exit_code, forged.gate_exit_code, forged.verdict) = (0, 0, Verdict::Pass);
            (forged.hidden, forged.headline) = (Verdict::ALL.to_vec(), "✅ all is well".to_owned());
            let again = forged.judged_by(|verdict| !hidden.contains(&verdict));
            let decided =
                |it: &Results| (it.verdict, it.exit_code, it.gate_exit_code, it.headline.clone());
            assert_eq!(decided(&again), decided(&results), "{name}");
        }
        let red = fixture::regression().judged_by(|_| false);
        assert_eq!((red.exit_code, red.gate_exit_code), (1, 0));
        assert_eq!(fixture::target_died().judged_by(|_| false).gate_exit_code, 4);
        assert_eq!(fixture::hollow().judged_by(|_| false).gate_exit_code, 5);
    }
}
