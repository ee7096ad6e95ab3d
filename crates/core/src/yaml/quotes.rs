//! Values that somebody forgot to put in quotes.

use super::YamlError;

/// Says of an error what to do where somebody has written `>10` without quotes: to YAML, a block of text begins
/// there.
pub(super) fn unquoted(error: YamlError, text: &str) -> YamlError {
    let place = error.place;
    let number = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(number(place.line)).unwrap_or_default();
    let rest = line.char_indices().nth(number(place.column)).map_or("", |(at, _)| &line[at..]);
    let is_of_syntax = ["while scanning a block scalar", "unexpected character"]
        .iter()
        .any(|words| error.reason.starts_with(words));
    let Some(first @ ('>' | '|')) = rest.chars().next().filter(|_| is_of_syntax) else {
        return error;
    };
    let value = rest.split([',', ']', '}', '#', '\'']).next().unwrap_or_default().trim_end();
    YamlError::new(
        place,
        format!(
            "what begins with {first} must be in quotes, since it is taken for a block of text; \
             write '{value}'"
        ),
    )
}
