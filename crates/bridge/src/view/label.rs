//! Labels: what the sender of a delivery says about it.

use std::collections::BTreeMap;

use super::text::Text;

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// Its key.
    pub(crate) key: Text,
    /// Its value.
    pub(crate) value: Text,
    /// Where the value leads, if it is a web address.
    pub(crate) link: Option<Link>,
}

/// A link that leaves the Bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The address, `http:` or `https:` only.
    pub(crate) href: String,
    /// The host, to be shown: the text of a link must not lie about where it leads.
    pub(crate) host: Text,
}

/// The labels, by key.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Vec<Label> {
    labels
        .iter()
        .map(|(key, value)| Label {
            key: Text::line(key),
            value: Text::line(value),
            link: link(value),
        })
        .collect()
}

/// The link of a value that is a web address and nothing else.
pub(crate) fn link(value: &str) -> Option<Link> {
    let (scheme, rest) = value.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '`');
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // `https://bank.example@evil.example/` leads to the second one; no link is better than a trick.
    if host.is_empty() || host.contains('@') || !rest.chars().all(plain) {
        return None;
    }
    Some(Link { href: value.to_owned(), host: Text::line(host) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_become_links_and_nothing_else_does() {
        for good in ["https://ci.example/1?a=b#c", "HTTP://ci:8080"] {
            assert_eq!(link(good).unwrap().href, good);
        }
        assert_eq!(link("https://ci.example:1/x").unwrap().host.as_str(), "ci.example:1");
        for bad in [
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "https://",
            "https:///x",
            "https://a@b/",
            "https://a b/",
            "https://a\u{202e}b/",
            "https://a/\"onload=x",
            " https://a/",
            "ftp://a/",
            "v1.2",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }
}
