//! Reading what `/metrics` shows.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Server, request};

/// All of it.
#[derive(Debug)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
}

/// One metric with all its samples.
#[derive(Debug, Default)]
pub(crate) struct Family {
    name: String,
    kind: String,
    help: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    value: f64,
}

impl Exposition {
    /// What a server shows now.
    pub(crate) fn of(server: &Server) -> Self {
        let answer = request(server.address, "GET", "/metrics", &[], b"").expect("it answers");
        assert_eq!(answer.code, 200);
        Self::read(&answer.text())
    }

    fn read(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (what, name) = (words.next().unwrap_or_default(), words.next());
                let (Some(name), rest) = (name, words.next().unwrap_or_default()) else { continue };
                current = name.to_owned();
                let family = families.entry(current.clone()).or_default();
                family.name.clone_from(&current);
                match what {
                    "HELP" => rest.clone_into(&mut family.help),
                    "TYPE" => rest.clone_into(&mut family.kind),
                    _ => {}
                }
                continue;
            }
            let sample = Sample::read(line);
            assert!(sample.name.starts_with(&current), "{line} stands under {current}");
            families.entry(current.clone()).or_default().samples.push(sample);
        }
        Self { families }
    }

    pub(crate) fn family(&self, name: &str) -> &Family {
        self.families.get(name).unwrap_or_else(|| panic!("{name} is shown"))
    }

    /// The samples of a name as queries know it, such as `…_total` or `…_bucket`.
    pub(crate) fn samples(&self, name: &str) -> Vec<&Sample> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.filter(|sample| sample.name == name).collect()
    }

    /// The name of the metric that a sample of this name belongs to.
    pub(crate) fn family_of(&self, name: &str) -> String {
        let has = |family: &&Family| family.samples.iter().any(|sample| sample.name == name);
        self.families.values().find(has).map(|family| family.name.clone()).unwrap_or_default()
    }

    /// The sum of the samples with these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matches = |sample: &&Sample| {
            labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|is| is == value))
        };
        self.samples(name).into_iter().filter(matches).map(|sample| sample.value).sum()
    }

    /// The values of all labels.
    pub(crate) fn label_values(&self) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.flat_map(|sample| sample.labels.values().map(String::as_str)).collect()
    }

    /// The names of all labels.
    pub(crate) fn labels(&self) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| &family.samples);
        samples.flat_map(|sample| sample.labels.keys().map(String::as_str)).collect()
    }
}

impl Family {
    /// As `docs/reference/metrics.md` lists it.
    pub(crate) fn row(&self) -> String {
        let labels: BTreeSet<&str> = self
            .samples
            .iter()
            .flat_map(|sample| sample.labels.keys().map(String::as_str))
            .collect();
        let labels: Vec<String> = labels
            .into_iter()
            .filter(|label| *label != "le")
            .map(|label| format!("`{label}`"))
            .collect();
        let suffix = if self.kind == "counter" { "_total" } else { "" };
        let suffix = if self.kind == "info" { "_info" } else { suffix };
        let help = self.help.trim_end_matches('.');
        format!("| `{}{suffix}` | {} | {} | {help} |", self.name, self.kind, labels.join(", "))
    }
}

impl Sample {
    /// `name{label="value",…} 1`
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let value = value.parse().unwrap_or_else(|_| panic!("{line} has a number"));
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').trim_end_matches('"');
        let pairs = labels.split("\",").filter(|pair| !pair.is_empty());
        let labels = pairs.map(|pair| pair.split_once("=\"").expect("a label"));
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { name: name.to_owned(), labels, value }
    }
}
