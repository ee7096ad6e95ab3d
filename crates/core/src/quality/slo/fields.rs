//! The entries of mappings, as Keptn's reader takes them.

use std::collections::HashSet;

use super::decode::{Resolved, integer, is_null, resolve, text};
use crate::yaml::YamlError;
use crate::yaml::source::{Content, Tag, Written};

/// One entry of a mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its value.
    pub(crate) value: &'a Written,
}

/// The entries of one mapping.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// None where the mapping is absent or null.
    ///
    /// # Errors
    /// It is no mapping, or has a name twice. `what` is what it should be.
    pub(crate) fn of(node: Option<&'a Written>, what: &str) -> Result<Option<Self>, YamlError> {
        let fields = node.map(|node| fields_of(node, what)).transpose()?;
        Ok(fields.flatten().map(Self))
    }

    /// The same of a file that was read before: no entries where there is no mapping.
    pub(crate) fn known(node: Option<&'a Written>) -> Self {
        Self::of(node, "a mapping").ok().flatten().unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field<'a>> {
        self.0.iter()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&'a Written> {
        self.iter().find(|field| field.name == name).map(|field| field.value)
    }

    /// Empty where it is absent or null.
    pub(crate) fn text(&self, name: &str) -> Result<String, YamlError> {
        let found = self.find(name).map(|node| text(node, name)).transpose()?;
        Ok(found.flatten().unwrap_or_default())
    }

    /// 0 where it is absent or null.
    pub(crate) fn integer(&self, name: &str) -> Result<i64, YamlError> {
        self.find(name).map_or(Ok(0), |node| integer(node, name))
    }
}

/// The entries of a mapping and of those that are merged into it by `<<`; none where it is null. Entries
/// whose key is null are passed over.
fn fields_of<'a>(node: &'a Written, what: &str) -> Result<Option<Vec<Field<'a>>>, YamlError> {
    if is_null(node) {
        return Ok(None);
    }
    let mut fields = Vec::new();
    collect(node, what, &mut HashSet::new(), &mut fields)?;
    Ok(Some(fields))
}

fn collect<'a>(
    node: &'a Written,
    what: &str,
    known: &mut HashSet<&'a str>,
    fields: &mut Vec<Field<'a>>,
) -> Result<(), YamlError> {
    let Content::Map(entries) = &node.content else {
        return Err(node.error(format!("{what} must be a mapping of names to values")));
    };
    let (mut here, mut merged) = (HashSet::new(), None);
    for (key, value) in entries {
        let Content::Scalar(scalar) = &key.content else {
            return Err(key.error(format!("a name in {what} must be a text")));
        };
        let name = scalar.text.as_str();
        if !here.insert(name) {
            return Err(key.error(format!("`{name}` is here twice; keep one")));
        }
        if name == "<<" && scalar.plain && scalar.tag == Tag::None {
            merged = Some(value);
        } else if resolve(scalar).map_err(|reason| key.error(reason))? != Resolved::Null
            && !known.contains(name)
        {
            fields.push(Field { name, value });
        }
    }
    // What is written here comes before what is merged, and what is merged first before the rest.
    known.extend(here);
    let sources = match merged.map(|node| (&node.content, node)) {
        None => &[],
        Some((Content::Map(_), node)) => std::slice::from_ref(node),
        Some((Content::List(nodes), _)) => nodes.as_slice(),
        Some((Content::Scalar(_), node)) => {
            return Err(node.error("only mappings can be merged by `<<`"));
        }
    };
    sources.iter().try_for_each(|source| collect(source, what, known, fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::source::first_document;

    fn names(text: &str) -> Result<Vec<(String, String)>, String> {
        let node = first_document(text).unwrap().unwrap();
        let Content::Map(entries) = &node.content else { panic!("{text}") };
        let fields =
            Fields::of(Some(&entries.last().unwrap().1), "it").map_err(|e| e.to_string())?;
        let spelt = |node: &Written| super::text(node, "it").unwrap().unwrap_or_default();
        Ok(fields
            .unwrap()
            .iter()
            .map(|field| (field.name.to_owned(), spelt(field.value)))
            .collect())
    }

    #[test]
    fn what_is_written_counts_before_what_is_merged() {
        let found =
            names("a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2, z: 2}\nc: {<<: *b, z: 3}").unwrap();
        let expected = [("z", "3"), ("y", "2"), ("x", "1")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let found = names("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n  ~: 0").unwrap();
        let expected = [("x", "1"), ("y", "2")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_cannot_be_merged_or_is_there_twice_is_refused() {
        for (text, says) in [
            ("a: {x: 1, y: 2, x: 3}", "1:17: `x` is here twice; keep one"),
            ("a: {<<: 1}", "1:9: only mappings can be merged"),
            ("a: {<<: ~}", "1:9: only mappings can be merged"),
            ("a: {<<: [1]}", "1:10: it must be a mapping"),
            ("a: {[x]: 1}", "1:5: a name in it must be a text"),
        ] {
            let error = names(text).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
        assert_eq!(names("a: {\"<<\": 1}").unwrap().len(), 1);
    }
}
