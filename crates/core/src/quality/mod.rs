//! Quality gates: what the values that a provider measured mean by a service's `slo.yaml`, and by what was
//! measured before. Everything here is Keptn 1.4's evaluation to the last bit; what Keptn silently
//! misjudges is judged the same and said by [`lint`], and what kills Keptn is an errored evaluation.
//!
//! Invariants: the same file, values and earlier evaluations give the same evaluation, byte for byte; an
//! evaluation can always be written as JSON.

mod aggregate;
mod ask;
mod criteria;
mod evaluate;
mod evaluation;
mod lint;
mod objective;
mod previous;
mod replay;
mod slo;
mod suggest;
#[cfg(test)]
mod tests;
pub mod time;
mod timestamp;
mod total;
pub mod vectors;
mod void;

pub use aggregate::Aggregate;
pub use ask::{Ask, Begin, ask};
pub use criteria::{CriterionError, Direction, Operator, Rule, Target, Unit};
pub use evaluate::{Question, evaluate};
pub use evaluation::{
    Details, Evaluation, IndicatorResult, IndicatorStatus, SliAnswer, SliResult, SliStatus,
    TargetResult, Timeframe,
};
pub use lint::lint;
pub use previous::{Comparison, Include, NumberError, Past};
pub use replay::{After, Change, Met, Replayed, Undecided, Verdict, decides, reach, replay};
pub use slo::{Criterion, Group, Objective, SLO_PATH, Slo, SloError};
pub use suggest::{Because, SAMPLES_MIN, Suggested, Suggestion, suggest};
pub use timestamp::TimestampError;
pub use total::{Targets, TargetsError};
pub use void::{INVALIDATED, RESTORED, Said, Void, said_of};
