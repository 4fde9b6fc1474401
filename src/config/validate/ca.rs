//! `target.ca`: certificates that are trusted besides those of the machine.

use super::Context;
use crate::config::decode::{Section as _, Spanned};
use crate::config::model::Target;
use crate::config::problem::{Code, quoted};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error, PemObject as _};

impl Context<'_> {
    /// The certificates; none without the key.
    pub(super) fn ca(&mut self, raw: &Target) -> Vec<CertificateDer<'static>> {
        let Some(ca) = &raw.ca else { return Vec::new() };
        let what = "`ca` is only for a `url` that begins with `https://`";
        let hint = "take it out: it would do nothing";
        match &raw.url {
            Some(url) if url.value.starts_with("https://") => {}
            Some(url) => self.conflict((ca.span, what), (url.span, "no tls here"), hint),
            None if raw.lacks("url") => self.refuse(Code::Conflict, ca.span, what, hint),
            None => {}
        }
        self.certificates(ca).unwrap_or_default()
    }

    fn certificates(&mut self, ca: &Spanned<String>) -> Option<Vec<CertificateDer<'static>>> {
        let file = quoted(&ca.value);
        let pem = match (self.files)(&self.folder.join(&ca.value)) {
            Ok(pem) => pem,
            Err(said) => {
                let hint = "write the path of a PEM file, as seen from the suite's folder";
                self.refuse(Code::File, ca.span, format!("{file} cannot be read: {said}"), hint);
                return None;
            }
        };
        let read = certificates(&pem);
        if let Err(said) = &read {
            let hint = "it must hold certificates as PEM: `-----BEGIN CERTIFICATE-----` …";
            self.refuse(Code::File, ca.span, format!("{file} {said}"), hint);
        }
        read.ok()
    }
}

/// The certificates in a PEM text; what is wrong with it, else.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let number = found.len() + 1;
        let certificate = certificate.map_err(|error| match error {
            Error::MissingSectionEnd { .. } => "ends within a certificate".to_owned(),
            Error::NoItemsFound => "holds no certificate".to_owned(),
            Error::IllegalSectionStart { .. }
            | Error::Base64Decode(_)
            | Error::SectionTooLarge
            | Error::Io(_)
            | _ => format!("is no PEM at its certificate {number}"),
        })?;
        if RootCertStore::empty().add(certificate.clone()).is_err() {
            return Err(format!("holds something that is no certificate, number {number}"));
        }
        found.push(certificate);
    }
    if found.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::super::{Invalid, read_with};
    use crate::config::Plan;
    use crate::config::problem::Code;
    use std::path::Path;

    const URL: &str = "url: \"https://a\"";

    fn check(target: &str, pem: &str) -> Result<Plan, Box<Invalid>> {
        let text = format!(
            "version: 1\nsuite: chat\ntarget: {{ {target}, model: m, ca: ours.pem }}\nchecks: \
             {{ r: {{ capacity: {{ knob: rate, from: 1, to: 9 }}, slos: [\"p99 ttfc < 1s\"] }} }}\n"
        );
        let files = |path: &Path| {
            let there = path == Path::new("suites/ours.pem") && !pem.is_empty();
            if there { Ok(pem.as_bytes().to_vec()) } else { Err("no such file".to_owned()) }
        };
        read_with(Path::new("suites/chat.yml"), &text, &[], &|_| None, &files)
    }

    fn pem() -> String {
        let names = ["a".to_owned()];
        format!("# ours\n{}", rcgen::generate_simple_self_signed(names).unwrap().cert.pem())
    }

    #[test]
    fn a_file_of_certificates_is_read_from_the_suites_folder() {
        let plan = check(URL, &pem()).unwrap();
        assert_eq!(plan.target.ca.len(), 1);
        let twice = check(URL, &(pem() + &pem())).unwrap();
        assert_eq!(twice.target.ca.len(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why() {
        let good = pem();
        let cut = good.split_at(60).0;
        let other = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        let bad = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
        for (pem, says) in [
            ("", "no such file"),
            ("hello", "holds no certificate"),
            (cut, "ends within a certificate"),
            (other, "no certificate, number 1"),
            (bad, "is no PEM at its certificate 1"),
            (&(good.clone() + other), "no certificate, number 2"),
        ] {
            let invalid = check(URL, pem).unwrap_err();
            let problems: Vec<_> = invalid.problems.iter().collect();
            assert_eq!((problems.len(), problems[0].code), (1, Code::File), "{says}");
            let text = invalid.problems.render(&invalid.source_text, false);
            assert!(text.contains(says) && text.contains("ours.pem"), "{text}");
        }
    }

    #[test]
    fn it_is_refused_where_there_is_no_tls() {
        for target in ["url: \"http://a\"", "demo: { profile: llm }", "command: [a, \"{port}\"]"] {
            let invalid = check(target, &pem()).unwrap_err();
            let codes: Vec<Code> = invalid.problems.iter().map(|problem| problem.code).collect();
            assert_eq!(codes, [Code::Conflict], "{target}");
        }
    }
}
