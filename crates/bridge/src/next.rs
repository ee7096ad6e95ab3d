//! Where a sign-in leads: to a page of the Bridge and nowhere else.

use axum::http::Method;
use axum::http::request::Parts;

/// Where people begin.
pub(crate) const HOME: &str = "/bridge/inbox";
/// Longest address that is worth coming back to, in bytes.
const BYTES_MAX: usize = 2048;

/// Forms that are sent to the page that shows them.
const PAGES: [&str; 3] = ["/trigger", "/create/project", "/replay"];
/// Last parts of addresses that take forms only, below the page that the form is on.
const ACTS: [&str; 7] = ["decision", "abort", "pause", "resume", "rerun", "ignore", "restore"];

/// A path on this server below `/bridge/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Next(String);

impl Next {
    /// The path that a client asks to be sent to; [`HOME`] where it is anything but a path of the
    /// Bridge.
    pub(crate) fn parse(text: &str) -> Self {
        if is_ours(text) { Self(text.to_owned()) } else { Self(HOME.to_owned()) }
    }

    /// The path.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the sign-in page that leads there.
    pub(crate) fn sign_in(&self) -> String {
        if self.0 == HOME {
            return "/bridge/login".to_owned();
        }
        format!("/bridge/login?next={}", encode(&self.0))
    }
}

fn is_ours(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.split('/').any(|segment| {
        // Browsers resolve the encoded forms as well.
        let dots = segment.to_ascii_lowercase().replace("%2e", ".");
        matches!(dots.as_str(), "." | "..")
    });
    text.len() <= BYTES_MAX
        && text.starts_with("/bridge/")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.contains("//")
        && !climbs
        && !path.starts_with("/bridge/login")
}

/// The page that a request asks for, to come back to after the sign-in. What changes something is
/// asked again on its page, never repeated.
pub(crate) fn of_request(parts: &Parts) -> Next {
    let text = parts.uri.path_and_query().map_or(HOME, |path| path.as_str());
    if parts.method == Method::GET {
        return Next::parse(text);
    }
    if PAGES.iter().any(|end| parts.uri.path().ends_with(end)) {
        return Next::parse(parts.uri.path());
    }
    let page = parts.uri.path().rsplit_once('/').filter(|(_, act)| ACTS.contains(act));
    Next::parse(page.map_or(HOME, |(page, _)| page))
}

/// Percent-encodes a query value.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_pages_of_the_bridge_only() {
        for good in [
            "/bridge/inbox",
            "/bridge/approval/11111111-1111-4111-8111-111111111111",
            "/bridge/project/tour/sequence?state=started&offset=50",
            "/bridge/project/a..b/sequence",
        ] {
            assert_eq!(Next::parse(good).as_str(), good);
        }
        for bad in [
            "",
            "/",
            "/api/v1/metadata",
            "/bridge",
            "/bridgehead/x",
            "//evil.example/bridge/",
            "https://evil.example/bridge/",
            "/\\evil.example",
            "/bridge/\\evil.example",
            "/bridge//evil.example",
            "/bridge/../evil",
            "/bridge/%2e%2E/evil",
            "/bridge/./x",
            "/bridge/x\r\nset-cookie: a=b",
            "/bridge/ümlaut",
            "/bridge/login",
            "javascript:alert(1)",
            " /bridge/inbox",
        ] {
            assert_eq!(Next::parse(bad).as_str(), HOME, "{bad:?}");
        }
        assert_eq!(Next::parse(&format!("/bridge/{}", "x".repeat(3000))).as_str(), HOME);
    }

    #[test]
    fn the_way_back_survives_the_query() {
        let next = Next::parse("/bridge/project/tour/sequence?a=b&c=d#e");
        assert_eq!(
            next.sign_in(),
            "/bridge/login?next=/bridge/project/tour/sequence%3Fa%3Db%26c%3Dd%23e"
        );
        assert_eq!(Next::parse("").sign_in(), "/bridge/login");
    }
}
