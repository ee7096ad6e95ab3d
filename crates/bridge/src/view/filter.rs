//! What a list of deliveries is narrowed to: read from an address, and written into one.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidegate_core::names::{SequenceName, ServiceName, StageName};
use tidegate_core::sequence::{Context, ContextState};
use tidegate_store::SequenceSearch;

use super::{Delivery, Status, Text};
use crate::next::encode;

/// Most values of one address; what comes after them is not looked at.
const VALUES_MAX: usize = 50;
/// Longest of them, in bytes.
const VALUE_BYTES_MAX: usize = 2048;
/// Names that can come several times. Keptn 1.4: the first four.
const REPEATED: [&str; 6] = ["Service", "Stage", "Sequence", "Status", "label", "result"];
/// Names that come once.
const SINGLE: [&str; 4] = ["by", "from", "to", "q"];

/// What a list is narrowed to, as the address says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    values: Vec<(&'static str, String)>,
}

/// A value, as a chip that takes it away again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) name: &'static str,
    pub(crate) value: Text,
    /// What is wrong with it; empty where it counts.
    pub(crate) wrong: &'static str,
    /// The list without it.
    pub(crate) without: String,
}

impl Filter {
    /// Reads the pairs of a query. `state` is what an earlier list called `Status`.
    pub(crate) fn read(pairs: &[(String, String)]) -> Self {
        let mut filter = Self::default();
        for (name, value) in pairs.iter().take(VALUES_MAX) {
            let known = |known: &&&str| known.eq_ignore_ascii_case(name);
            let name = match REPEATED.iter().chain(&SINGLE).find(known) {
                Some(name) => *name,
                None if name == "state" => "Status",
                None => continue,
            };
            let value = value.trim();
            let is_new = SINGLE.contains(&name) || !filter.has(name, value);
            if !value.is_empty() && value.len() <= VALUE_BYTES_MAX && is_new {
                if SINGLE.contains(&name) {
                    filter.values.retain(|(other, _)| *other != name);
                }
                filter.values.push((name, value.to_owned()));
            }
        }
        filter
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.values.iter().any(|(known, other)| *known == name && other == value)
    }

    /// All values of a name.
    fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a name that comes once; empty where there is none.
    pub(crate) fn one(&self, name: &'static str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Values that a form keeps beside its fields.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&'static str, Text)> {
        let kept = self.values.iter().filter(|(name, _)| REPEATED.contains(name));
        kept.map(|(name, value)| (*name, Text::line(value)))
    }

    /// The same with other values of a name.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut values = self.values.clone();
        values.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            values.push((name, value.to_owned()));
        }
        Self { values }
    }

    /// The address of the list, with a name and a value more.
    pub(crate) fn href(&self, path: &str, more: Option<(&str, String)>) -> String {
        let own = self.values.iter().map(|(name, value)| format!("{name}={}", encode(value)));
        let more = more.map(|(name, value)| format!("{name}={}", encode(&value)));
        let query: Vec<String> = own.chain(more).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }

    /// Its values, each with the list without it.
    pub(crate) fn chips(&self, path: &str) -> Vec<Value> {
        let chip = |(at, (name, value)): (usize, &(&'static str, String))| {
            let mut values = self.values.clone();
            values.remove(at);
            Value {
                name,
                value: Text::line(value),
                wrong: wrong(name, value),
                without: Self { values }.href(path, None),
            }
        };
        self.values.iter().enumerate().map(chip).collect()
    }

    /// The statuses that it names; empty where all are meant.
    fn statuses(&self) -> Vec<Status> {
        let named = self.all("Status").filter_map(statuses_of);
        let mut all: Vec<Status> = named.flatten().copied().collect();
        let results: Vec<Status> =
            self.all("result").filter_map(statuses_of_result).flatten().copied().collect();
        if all.is_empty() {
            return results;
        }
        if !results.is_empty() {
            all.retain(|status| results.contains(status));
            // Nothing is both.
            if all.is_empty() {
                all.push(Status::Unknown);
            }
        }
        all
    }

    /// What the store searches for.
    pub(crate) fn search(&self) -> SequenceSearch {
        let (statuses, mut states) = (self.statuses(), Vec::new());
        // Whatever has become of it since.
        let overridden = statuses == [Status::Overridden];
        for state in statuses.iter().filter(|_| !overridden).flat_map(states_of) {
            if !states.contains(state) {
                states.push(*state);
            }
        }
        let labels = self.all("label").filter_map(|label| label.split_once(':'));
        let text = |name| Some(self.one(name).to_owned()).filter(|text| !text.is_empty());
        let is_bad = |status: &Status| matches!(status, Status::Failed | Status::Declined);
        SequenceSearch {
            overridden,
            faulty: !statuses.is_empty() && statuses.iter().all(is_bad),
            services: self.all("Service").filter_map(|name| ServiceName::new(name).ok()).collect(),
            stages: self.all("Stage").filter_map(|name| StageName::new(name).ok()).collect(),
            names: self.all("Sequence").filter_map(|name| SequenceName::new(name).ok()).collect(),
            states,
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            by: text("by"),
            from: moment(self.one("from"), Edge::First),
            before: moment(self.one("to"), Edge::Last),
            text: text("q"),
        }
    }

    /// Whether a delivery that the store has found is meant, as far as its summary tells.
    pub(crate) fn keep(&self) -> impl Fn(&Context) -> bool + Send + use<> {
        let wanted = self.statuses();
        move |context| {
            let delivery = Delivery::bare(context.clone());
            // Who said no is not in the summary.
            let may_be_declined =
                delivery.status() == Status::Failed && wanted.contains(&Status::Declined);
            is_among(&wanted, &delivery) || may_be_declined
        }
    }

    /// Whether it is meant, now that all is known.
    pub(crate) fn means(&self, delivery: &Delivery) -> bool {
        is_among(&self.statuses(), delivery)
    }
}

/// Whether a delivery stands as wanted; where nothing is, all do. Keptn 1.4: what has started is active,
/// also while nobody has taken its task.
fn is_among(wanted: &[Status], delivery: &Delivery) -> bool {
    let has_started = delivery.context.state == ContextState::Started;
    let status = delivery.status();
    wanted.is_empty()
        || wanted.contains(&status)
        || (wanted == [Status::Overridden] && delivery.is_overridden())
        || (has_started && status == Status::Queued && wanted.contains(&Status::Running))
}

/// Ours and Keptn's words for states. Keptn 1.4: `started` is shown as Active, `succeeded` is whatever
/// has not failed, and what timed out has failed. What somebody declined has not failed: that is a list
/// of its own, and no count of failures has it.
fn statuses_of(word: &str) -> Option<&'static [Status]> {
    let word: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    Some(match word.to_ascii_lowercase().as_str() {
        "active" | "started" => &[Status::Running, Status::NeedsApproval],
        "waiting" | "queued" | "triggered" => &[Status::Queued],
        "running" => &[Status::Running],
        "needsapproval" | "waitingforapproval" => &[Status::NeedsApproval],
        "paused" => &[Status::Paused],
        "passed" => &[Status::Passed],
        "succeeded" => &[Status::Passed, Status::Overridden, Status::Warning],
        "warning" => &[Status::Warning],
        "overridden" => &[Status::Overridden],
        "failed" => &[Status::Failed, Status::TimedOut],
        "declined" => &[Status::Declined],
        "timedout" => &[Status::TimedOut],
        "aborted" => &[Status::Aborted],
        "finished" => {
            &[Status::Passed, Status::Overridden, Status::Warning, Status::Failed, Status::Declined]
        }
        _ => return None,
    })
}

fn statuses_of_result(word: &str) -> Option<&'static [Status]> {
    Some(match word {
        "pass" => &[Status::Passed, Status::Overridden],
        "warning" => &[Status::Warning],
        "fail" => &[Status::Failed, Status::Declined, Status::TimedOut],
        _ => return None,
    })
}

/// The states of a context that can be shown as a status.
fn states_of(status: &Status) -> &'static [ContextState] {
    match status {
        Status::Queued => &[ContextState::Triggered, ContextState::Waiting, ContextState::Started],
        Status::Running => &[ContextState::Started],
        Status::NeedsApproval => &[ContextState::Started, ContextState::Paused],
        Status::Paused => &[ContextState::Paused],
        Status::Passed
        | Status::Approved
        | Status::Overridden
        | Status::Warning
        | Status::Failed
        | Status::Declined => &[ContextState::Finished],
        Status::Aborted => &[ContextState::Aborted, ContextState::Finished],
        Status::TimedOut => &[ContextState::TimedOut],
        Status::Ahead | Status::Info | Status::Unknown => &[],
    }
}

fn wrong(name: &str, value: &str) -> &'static str {
    let is_sound = match name {
        "Service" => ServiceName::new(value).is_ok(),
        "Stage" => StageName::new(value).is_ok(),
        "Sequence" => SequenceName::new(value).is_ok(),
        "Status" => statuses_of(value).is_some(),
        "result" => statuses_of_result(value).is_some(),
        "label" => return if value.contains(':') { "" } else { "not key:value, so it is ignored" },
        "from" => moment(value, Edge::First).is_some(),
        "to" => moment(value, Edge::Last).is_some(),
        _ => true,
    };
    if is_sound { "" } else { "unknown, so it is ignored" }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    First,
    /// A day is meant to its end.
    Last,
}

/// A day, a time of day or an exact time; without a zone it is meant in UTC.
fn moment(text: &str, edge: Edge) -> Option<Timestamp> {
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact);
    }
    let utc = |at: DateTime| Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if let Ok(day) = text.parse::<Date>()
        && !text.contains(':')
    {
        let start = utc(day.at(0, 0, 0, 0))?;
        return match edge {
            Edge::First => Some(start),
            Edge::Last => start.checked_add(SignedDuration::from_hours(24)).ok(),
        };
    }
    utc(text.parse::<DateTime>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Filter {
        let pairs: Vec<_> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Filter::read(&pairs)
    }

    #[test]
    fn an_address_reads_back() {
        let text = "Service=a&Service=b&Status=failed&label=k:v:w&q=x";
        assert_eq!(filter(text).href("/p", None), format!("/p?{}", text.replace(':', "%3A")));
        // Empty fields of a form, repeats and what is not known leave no trace.
        let form = "Service=&q= &Service=a&service=a&offset=50&by=x&by=y";
        assert_eq!(filter(form).href("/p", None), "/p?Service=a&by=y");
        assert_eq!(filter("").href("/p", Some(("before", "1.2".to_owned()))), "/p?before=1.2");
    }

    #[test]
    fn ours_and_keptns_words_mean_the_same_states() {
        let states = |query: &str| filter(query).search().states;
        assert_eq!(states("Status=started"), [ContextState::Started, ContextState::Paused]);
        assert_eq!(states("Status=Active"), states("state=started"));
        assert_eq!(states("Status=waiting"), states("Status=queued"));
        assert_eq!(states("Status=timedOut"), states("Status=timed-out"));
        assert_eq!(states("Status=Needs approval"), states("Status=waitingForApproval"));
        assert_eq!(states("Status=nonsense"), []);
        // A look at the index alone would find what passed as well.
        assert!(filter("Status=declined").search().faulty);
        assert!(!filter("Status=failed&Status=passed").search().faulty);
        // A mark that stays, whatever the state.
        let overridden = filter("Status=overridden").search();
        assert!(overridden.overridden && overridden.states.is_empty());
        assert!(!filter("Status=succeeded").search().overridden);
        assert_eq!(states("Status=succeeded"), [ContextState::Finished]);
        let statuses = |query: &str| filter(query).statuses();
        assert_eq!(statuses("Status=failed"), [Status::Failed, Status::TimedOut]);
        assert_eq!(statuses("Status=finished&result=fail"), [Status::Failed, Status::Declined]);
        assert_eq!(statuses("Status=passed&result=fail"), [Status::Unknown]);
    }

    #[test]
    fn what_makes_no_sense_is_kept_marked_and_ignored() {
        let odd = filter("Status=odd&label=x&from=yesterday&to=2026-11-24&Service=a/b&by=z");
        let marked: Vec<_> = odd.chips("/p").iter().map(|chip| !chip.wrong.is_empty()).collect();
        assert_eq!(marked, [true, true, true, false, true, false]);
        let search = odd.search();
        assert!(search.states.is_empty() && search.labels.is_empty() && search.from.is_none());
        assert!(odd.chips("/p")[0].without.starts_with("/p?label=x&"));
    }

    #[test]
    fn a_day_is_meant_to_its_end_and_a_time_in_utc() {
        let at = |text: &str, edge| moment(text, edge).map(|at| at.to_string());
        assert_eq!(at("2026-11-24", Edge::First).unwrap(), "2026-11-24T00:00:00Z");
        assert_eq!(at("2026-11-24", Edge::Last).unwrap(), "2026-11-25T00:00:00Z");
        assert_eq!(at("2026-11-24T10:30", Edge::Last).unwrap(), "2026-11-24T10:30:00Z");
        assert_eq!(at("2026-11-24T10:30:00+02:00", Edge::First).unwrap(), "2026-11-24T08:30:00Z");
        assert_eq!(at("24.11.2026", Edge::First), None);
    }
}
