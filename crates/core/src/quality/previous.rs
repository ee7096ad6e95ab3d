//! Which earlier evaluations count.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Aggregate, Details, IndicatorResult};
use crate::event::{TaskResult, text};
use crate::excerpt::sentence;

/// The `comparison` of an `slo.yaml`: with what is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How many earlier evaluations. Only 1 to 100 can be asked for.
    pub number: i64,
    /// Which of them.
    pub include: Include,
    /// How their values become one number.
    pub aggregate: Aggregate,
}

/// Which earlier evaluations count, by their `data.result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Include {
    /// All, also errored ones and those without any values: they take a place.
    All,
    /// Those that passed.
    Pass,
    /// Those that passed or warned.
    PassOrWarn,
}

/// An earlier evaluation of the same stage and service.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The id of its `evaluation.finished` event.
    pub id: String,
    /// `data.result`; what is neither `pass` nor `warning` is `fail`.
    pub result: TaskResult,
    /// `data.evaluation.score`
    pub score: f64,
    /// Whether somebody has declared it invalid.
    pub invalidated: bool,
    /// `data.message`
    pub message: String,
    /// `data.evaluation.indicatorResults`; empty where it is null.
    pub indicators: Vec<IndicatorResult>,
}

/// More earlier evaluations are asked for than Keptn's datastore gives, or less than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not retrieve previous evaluation.finished events")]
pub struct NumberError;

impl Past {
    /// Reads the data of an `evaluation.finished` event.
    ///
    /// # Errors
    /// A sentence that says what in it cannot be read. Keptn 1.4 passes such an event over.
    pub fn of(id: &str, data: &Map<String, Value>, invalidated: bool) -> Result<Self, String> {
        let details =
            match data.get("evaluation") {
                None | Some(Value::Null) => None,
                Some(value) => Some(Details::deserialize(value).map_err(|error| {
                    sentence(format!("data.evaluation cannot be read: {error}"))
                })?),
            };
        Ok(Self {
            id: id.to_owned(),
            result: TaskResult::named(text(data, "result")),
            score: details.as_ref().map_or(0.0, |details| details.score),
            invalidated,
            message: text(data, "message").to_owned(),
            indicators: details.and_then(|details| details.indicator_results).unwrap_or_default(),
        })
    }
}

impl Default for Comparison {
    /// Where the file has no `comparison`: with the one before.
    fn default() -> Self {
        Self { number: 1, include: Include::All, aggregate: Aggregate::Avg }
    }
}

impl Comparison {
    /// Most earlier evaluations that can be compared with.
    pub const NUMBER_MAX: usize = 100;

    /// How many earlier evaluations are compared with.
    ///
    /// # Errors
    /// Not between 1 and 100.
    pub fn limit(&self) -> Result<usize, NumberError> {
        match usize::try_from(self.number) {
            Ok(number @ 1..=Self::NUMBER_MAX) => Ok(number),
            _ => Err(NumberError),
        }
    }

    /// Whether an earlier evaluation counts.
    #[must_use]
    pub fn takes(&self, past: &Past) -> bool {
        !past.invalidated && self.include.takes(past.result)
    }

    /// Those that count of all that there are, both newest first.
    ///
    /// # Errors
    /// The number of them is out of range.
    pub fn choose<'a>(&self, earlier: &'a [Past]) -> Result<Vec<&'a Past>, NumberError> {
        let limit = self.limit()?;
        Ok(earlier.iter().filter(|past| self.takes(past)).take(limit).collect())
    }
}

impl Include {
    /// The one that has this name, in any case; an unknown name is [`Include::All`].
    #[must_use]
    pub fn named(name: &str) -> Self {
        // Keptn lowers the case by Go's rules; no other letter becomes one of these.
        match name.to_lowercase().as_str() {
            "pass" => Self::Pass,
            "pass_or_warn" => Self::PassOrWarn,
            _ => Self::All,
        }
    }

    pub(super) fn takes(self, result: TaskResult) -> bool {
        match self {
            Self::All => true,
            Self::Pass => result == TaskResult::Pass,
            Self::PassOrWarn => result != TaskResult::Fail,
        }
    }
}
