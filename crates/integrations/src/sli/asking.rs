//! How providers ask over HTTP: some questions at a time, bounded in bytes and time, never led elsewhere, and
//! without a word about addresses, which may hold a password.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, Response, redirect};
use tidegate_core::sli::Measurement;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Largest answer to one query, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Queries of one question that are under way at a time.
const CONCURRENCY: usize = 8;
/// How long one query may take where nothing is said, in seconds.
pub(super) const TIMEOUT_S: u64 = 30;
/// Longest that one query may be given.
const TIMEOUT_S_MAX: u64 = 300;

/// Who asks. `ca` is a file of PEM certificates that are trusted beside those of the machine.
///
/// # Errors
/// Which setting cannot be used, and why.
pub(super) fn client(ca: Option<&Path>, timeout_s: u64) -> Result<Client, String> {
    if !(1..=TIMEOUT_S_MAX).contains(&timeout_s) {
        return Err(format!("timeout_s = {timeout_s} must be between 1 and {TIMEOUT_S_MAX}"));
    }
    // A redirect could carry the credentials elsewhere.
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(timeout_s));
    if let Some(path) = ca {
        let cannot = |why: String| format!("ca = {path:?} {why}");
        let bytes = fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&bytes);
        let certificates = certificates.map_err(|error| cannot(error.to_string()))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| error.to_string())
}

/// One value for each indicator, in their order, or why there is none.
///
/// # Errors
/// Asking came to an end before its time.
pub(super) async fn each<A>(
    indicators: &[String],
    ask: impl Fn(&str) -> Result<A, String>,
) -> Result<Vec<Measurement>, String>
where
    A: Future<Output = Result<f64, String>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(CONCURRENCY));
    let mut values: Vec<_> = indicators.iter().map(|_| None).collect();
    let mut asking = JoinSet::new();
    for (index, indicator) in indicators.iter().enumerate() {
        let asked = match ask(indicator) {
            Ok(asked) => asked,
            Err(error) => {
                values[index] = Some(Err(error));
                continue;
            }
        };
        let places = Arc::clone(&places);
        asking.spawn(async move {
            let _place = places.acquire_owned().await.expect("nobody closes the semaphore");
            (index, asked.await)
        });
    }
    while let Some(answered) = asking.join_next().await {
        let (index, value) = answered.map_err(|error| error.to_string())?;
        values[index] = Some(value);
    }
    let missing = || Err("it was not asked for".to_owned());
    let pair =
        |(name, value): (&String, Option<_>)| Measurement::new(name, value.unwrap_or_else(missing));
    Ok(indicators.iter().zip(values).map(pair).collect())
}

/// What an answer holds.
#[derive(Debug)]
pub(super) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// The beginning of more than may be read.
    Cut(Vec<u8>),
}

impl Body {
    /// Reads an answer up to the limit.
    ///
    /// # Errors
    /// It broke off: a sentence.
    pub(super) async fn of(mut answer: Response) -> Result<Self, String> {
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| failed(&error))? {
            let room = ANSWER_BYTES_MAX - bytes.len();
            if piece.len() > room {
                bytes.extend_from_slice(&piece[..room]);
                return Ok(Self::Cut(bytes));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Self::Whole(bytes))
    }

    /// All of it.
    ///
    /// # Errors
    /// It was cut: a sentence that ends with what to do.
    pub(super) fn whole(self, to_do: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Whole(bytes) => Ok(bytes),
            Self::Cut(_) => {
                let max = ANSWER_BYTES_MAX / 1024;
                Err(format!("the answer is larger than {max} KiB; {to_do}"))
            }
        }
    }

    /// As much as there is.
    pub(super) fn beginning(self) -> Vec<u8> {
        match self {
            Self::Whole(bytes) | Self::Cut(bytes) => bytes,
        }
    }
}

/// What went wrong, without the address: it may hold a password.
pub(super) fn failed(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match error.is_timeout() {
        true => "nobody answered in time".to_owned(),
        false => format!("the server cannot be asked: {cause}"),
    }
}
