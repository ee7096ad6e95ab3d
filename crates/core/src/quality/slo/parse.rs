//! Reading `slo.yaml`: what Keptn 1.4 refuses is an error here too, what it ignores is ignored.

use std::collections::BTreeMap;

use super::decode::{flag, is_null, items, text};
use super::fields::{Field, Fields};
use super::{Criterion, Group, Objective, Slo, SloError};
use crate::quality::{Aggregate, Comparison, Include, Targets};
use crate::yaml::source::{Written, first_document};
use crate::yaml::{Place, YamlError};

/// Largest file, in bytes.
const BYTES_MAX: usize = 1024 * 1024;
/// Keptn 1.4: with how many earlier evaluations is compared where the file does not say it, or not rightly.
const NUMBER_DEFAULT: i64 = 3;

pub(super) fn slo(text: &str) -> Result<Slo, SloError> {
    if text.len() > BYTES_MAX {
        let reason = format!("the file is larger than {BYTES_MAX} bytes");
        return Err(YamlError::new(Place { line: 1, column: 1 }, reason).into());
    }
    // A file of nothing but comments is one that says nothing.
    let document = first_document(text)?;
    let fields = match &document {
        None => Fields::default(),
        Some(document) => Fields::of(Some(document), "an SLO file")?.ok_or_else(|| {
            let reason = "the file is null; write objectives and a total_score";
            SloError::Null(document.error(reason))
        })?,
    };
    let mut null = None;
    let objectives = objectives(fields.find("objectives"), &mut null)?;
    let total = Fields::of(fields.find("total_score"), "total_score")?.unwrap_or_default();
    let (pass, warning) = (total.text("pass")?, total.text("warning")?);
    let slo = Slo {
        spec_version: fields.text("spec_version")?,
        filter: filter(fields.find("filter"))?,
        comparison: comparison(fields.find("comparison"))?,
        objectives,
        total_score: Targets::parse(&pass, &warning),
    };
    // What Keptn refuses comes before what it dies of.
    null.map_or(Ok(slo), |null| Err(SloError::Null(null)))
}

fn filter(node: Option<&Written>) -> Result<BTreeMap<String, String>, YamlError> {
    let fields = Fields::of(node, "filter")?.unwrap_or_default();
    let entry = |field: &Field<'_>| {
        let value = text(field.value, "a value of filter")?;
        Ok((field.name.to_owned(), value.unwrap_or_default()))
    };
    fields.iter().map(entry).collect()
}

/// Keptn 1.4: defaults for a part of it are other ones than for the whole.
fn comparison(node: Option<&Written>) -> Result<Comparison, YamlError> {
    let Some(fields) = Fields::of(node, "comparison")? else { return Ok(Comparison::default()) };
    let with = fields.text("compare_with")?;
    let number = fields.integer("number_of_comparison_results")?;
    let include = fields.text("include_result_with_score")?;
    let aggregate = fields.text("aggregate_function")?;
    Ok(Comparison {
        number: match with.as_str() {
            "single_result" => 1,
            "several_results" if number != 0 => number,
            _ => NUMBER_DEFAULT,
        },
        include: Include::named(&include),
        aggregate: if aggregate.is_empty() { Aggregate::Avg } else { Aggregate::named(&aggregate) },
    })
}

/// `null`: the first null where criteria must be.
fn objectives(
    node: Option<&Written>,
    null: &mut Option<YamlError>,
) -> Result<Vec<Objective>, YamlError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let items = items(node, "objectives")?.iter().filter(|item| !is_null(item));
    items.map(|item| objective(item, null)).collect()
}

fn objective(node: &Written, null: &mut Option<YamlError>) -> Result<Objective, YamlError> {
    let fields = Fields::of(Some(node), "an objective")?.unwrap_or_default();
    let weight = match fields.integer("weight")? {
        0 => 1,
        weight => weight,
    };
    Ok(Objective {
        sli: fields.text("sli")?,
        display_name: fields.text("displayName")?,
        weight,
        key_sli: fields.find("key_sli").map_or(Ok(false), |node| flag(node, "key_sli"))?,
        pass: groups(fields.find("pass"), "pass", null)?,
        warning: groups(fields.find("warning"), "warning", null)?,
    })
}

fn groups(
    node: Option<&Written>,
    what: &str,
    null: &mut Option<YamlError>,
) -> Result<Vec<Group>, YamlError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let mut groups = Vec::new();
    for item in items(node, what)? {
        if let Some(fields) = Fields::of(Some(item), &format!("an entry of {what}"))? {
            groups.push(group(&fields)?);
        } else {
            let reason = format!("an entry of {what} is null; write criteria, or take it away");
            null.get_or_insert_with(|| item.error(reason));
        }
    }
    Ok(groups)
}

fn group(fields: &Fields<'_>) -> Result<Group, YamlError> {
    let Some(listed) = fields.find("criteria") else { return Ok(Group::default()) };
    // Keptn 1.4: null among criteria is none.
    let texts =
        items(listed, "criteria")?.iter().filter_map(|item| text(item, "a criterion").transpose());
    let criteria = texts.map(|text| text.map(Criterion::new)).collect::<Result<_, _>>()?;
    Ok(Group { criteria })
}
