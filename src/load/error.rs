//! Why a target cannot be spoken to, and why a trial gave no report.

use super::feasible::Refusal;
use std::any::Any;
use tokio::task::JoinError;

/// Why a target cannot be spoken to at all.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL cannot be used; it is not repeated, for it may hold a secret.
    #[error("the url of the target cannot be used: {reason}")]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name of the host has no address.
    #[error("the host {host} cannot be resolved")]
    Dns {
        /// Name of the host.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// TLS cannot be set up on this machine.
    #[error("tls cannot be set up")]
    Tls(#[from] rustls::Error),
    /// A header of the suite cannot be sent; its value is not repeated.
    #[error("the header {name} cannot be sent: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Why a trial gave no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The run was stopped. A trial cut from outside is no evidence, so there is no report.
    #[error("the trial was interrupted")]
    Interrupted,
    /// There is no way to speak to the target.
    #[error("the load generator cannot speak to the target")]
    Client(#[from] ClientError),
    /// The system gave us no thread or no event loop.
    #[error("the load generator could not start its worker")]
    Start(#[source] std::io::Error),
    /// This machine cannot offer the load; nothing was sent.
    #[error("{refusal}; {}", refusal.advice())]
    Refused {
        /// What it lacks.
        refusal: Refusal,
    },
    /// A defect of ours.
    #[error("the load generator failed: {what}")]
    Panicked {
        /// What the panic said.
        what: String,
    },
    /// The generator's own cost could not be measured.
    #[error("the load generator could not be calibrated: {what}")]
    Uncalibrated {
        /// What went wrong.
        what: &'static str,
    },
    /// A request outlived its trial: a defect of ours.
    #[error("a request was still running after its trial had ended")]
    StillRunning,
}

impl LoadError {
    pub(super) fn from_task(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::from_panic(payload.as_ref()),
            Err(_cancelled) => Self::StillRunning,
        }
    }

    pub(super) fn from_panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::Panicked { what: text.unwrap_or("a panic without a text").to_owned() }
    }
}
