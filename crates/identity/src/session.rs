//! Sessions of people in the browser, and the CSRF token that comes with each.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::bearer::{Bearer, BearerError};
use crate::mac;

/// The name of the cookie.
pub const SESSION_COOKIE: &str = "tidegate_session";
/// The path that the cookie is sent to.
pub const SESSION_PATH: &str = "/bridge";
/// Cookies of that name that one request is searched for a session: others on the same host may
/// set their own.
const COOKIES_MAX: usize = 8;

/// Whether the browser may send the cookie in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// People reach the server by plain HTTP.
    Http,
    /// People reach the server by HTTPS only.
    Https,
}

/// What a signed-in browser holds: 128 random bits. The store keeps the [digest](Self::digest).
#[derive(Debug, Clone)]
pub struct SessionToken(Bearer);

impl SessionToken {
    /// A new session.
    #[must_use]
    pub fn generate() -> Self {
        Self(Bearer::generate())
    }

    /// Reads the value of the cookie.
    ///
    /// # Errors
    /// It was not made by us.
    pub fn parse(value: &str) -> Result<Self, BearerError> {
        Bearer::parse(value).map(Self)
    }

    /// The session in a `Cookie` header, where there is one.
    #[must_use]
    pub fn from_cookies(header: &str) -> Option<Self> {
        let cookies = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        let ours = cookies.filter(|(name, _)| *name == SESSION_COOKIE).take(COOKIES_MAX);
        ours.filter_map(|(_, value)| Self::parse(value.trim_matches('"')).ok()).next()
    }

    /// What the store knows it by.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    /// The `Set-Cookie` header that begins the session.
    #[must_use]
    pub fn set_cookie(&self, max_age: Duration, transport: Transport) -> String {
        cookie(&self.0.text(), max_age, transport)
    }

    /// The `Set-Cookie` header that ends whatever session the browser holds.
    #[must_use]
    pub fn clear_cookie(transport: Transport) -> String {
        cookie("", Duration::ZERO, transport)
    }

    /// What every form of this session carries.
    #[must_use]
    pub fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(mac::sign(self.0.bits(), CSRF))
    }

    /// Whether a form was made for this session. Constant time.
    #[must_use]
    pub fn verify_csrf(&self, presented: &str) -> bool {
        let mut tag = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(presented, &mut tag) {
            Ok(32) => mac::verify(self.0.bits(), CSRF, &tag),
            _ => false,
        }
    }
}

const CSRF: &[u8] = b"csrf";

fn cookie(value: &str, max_age: Duration, transport: Transport) -> String {
    let secure = match transport {
        Transport::Http => "",
        Transport::Https => "; Secure",
    };
    let seconds = max_age.as_secs();
    format!(
        "{SESSION_COOKIE}={value}; HttpOnly; SameSite=Lax; Path={SESSION_PATH}; \
         Max-Age={seconds}{secure}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(token: &SessionToken) -> String {
        token.0.text()
    }

    #[test]
    fn the_cookie_is_closed_to_scripts_and_to_other_sites() {
        let token = SessionToken::generate();
        let cookie = token.set_cookie(Duration::from_secs(60), Transport::Http);
        let rest = "; HttpOnly; SameSite=Lax; Path=/bridge; Max-Age=60";
        assert_eq!(cookie, format!("tidegate_session={}{rest}", value(&token)));
        let secure = token.set_cookie(Duration::from_secs(60), Transport::Https);
        assert_eq!(secure, format!("{cookie}; Secure"));
        let clear = SessionToken::clear_cookie(Transport::Http);
        assert!(clear.starts_with("tidegate_session=; ") && clear.ends_with("Max-Age=0"));
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let token = SessionToken::generate();
        let value = value(&token);
        for header in [
            format!("tidegate_session={value}"),
            format!("a=b; tidegate_session={value}; c=d"),
            format!("tidegate_session=stale; tidegate_session=\"{value}\""),
        ] {
            let found = SessionToken::from_cookies(&header).expect(&header);
            assert_eq!(found.digest(), token.digest());
        }
        for header in ["", "a=b", "tidegate_session=", "xtidegate_session=AAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(SessionToken::from_cookies(header).is_none(), "{header}");
        }
    }

    #[test]
    fn a_form_counts_for_its_own_session_only() {
        let (ada, eve) = (SessionToken::generate(), SessionToken::generate());
        assert!(ada.verify_csrf(&ada.csrf()));
        assert!(!ada.verify_csrf(&eve.csrf()));
        for bad in ["", "AAAA", &ada.csrf()[1..], &value(&ada)] {
            assert!(!ada.verify_csrf(bad), "{bad}");
        }
    }

    #[test]
    fn debug_shows_neither_the_value_nor_the_digest() {
        let token = SessionToken::generate();
        assert_eq!(format!("{token:?}"), "SessionToken(***)");
    }
}
