//! Who looks at a page, and how they like it.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use jiff::Timestamp;
use tidegate_core::principal::Principal;
use tidegate_engine::Position;
use tidegate_identity::SessionToken;

use crate::problem::Problem;
use crate::state::BridgeState;

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// Who they act as.
    pub(crate) principal: Principal,
    /// What their forms carry.
    pub(crate) csrf: String,
    /// When the page was asked for, by the engine's clock.
    pub(crate) now: Timestamp,
    /// When they have to sign in again.
    pub(crate) expires: Timestamp,
    /// What the store held then, at least.
    pub(crate) position: Position,
    /// What the store knows their session by.
    pub(crate) session: [u8; 32],
    /// How they like it.
    pub(crate) taste: Taste,
    /// False where only the main part of a page is wanted.
    pub(crate) whole: bool,
}

/// How somebody likes their pages: kept in cookies, because the page before the sign-in shall look
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taste {
    /// Light, dark, or as the system says.
    pub(crate) theme: Theme,
    /// Whether single letters do something.
    pub(crate) keys: bool,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The word in the cookie, the form and `data-theme`.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The same in the words of CSS, for browsers that paint before the style sheet is there.
    pub(crate) fn schemes(&self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads the word; whatever is unknown means the system's.
    pub(crate) fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }
}

/// Name of the cookie that holds the theme.
pub(crate) const THEME_COOKIE: &str = "tidegate_theme";
/// Name of the cookie that switches single-letter keys off.
pub(crate) const KEYS_COOKIE: &str = "tidegate_keys";

impl Taste {
    /// What the cookies of a request say.
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            theme: Theme::parse(cookie(parts, THEME_COOKIE).unwrap_or_default()),
            keys: cookie(parts, KEYS_COOKIE) != Some("off"),
        }
    }
}

/// A cookie of a request.
fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|line| {
        line.split(';').find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then_some(value)
        })
    })
}

/// The session's secret in a request, whether or not the session exists.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<SessionToken> {
    let mut lines = headers.get_all(COOKIE).iter();
    lines.find_map(|line| SessionToken::from_cookies(line.to_str().ok()?))
}

impl Visitor {
    /// Who signed in with this request's session; none where nobody did.
    ///
    /// # Errors
    /// The store could not be asked.
    pub(crate) async fn find(parts: &Parts, state: &BridgeState) -> Result<Option<Self>, Problem> {
        let Some(session) = session_of(&parts.headers) else { return Ok(None) };
        let (digest, now) = (session.digest(), state.engine.now());
        let position = state.engine.position();
        let row = state.engine.read(move |reader| reader.session(&digest, now)).await?;
        let query = parts.uri.query().unwrap_or_default();
        Ok(row.map(|row| Self {
            principal: row.principal,
            csrf: session.csrf(),
            now,
            expires: row.expires,
            position,
            session: digest,
            taste: Taste::of(parts),
            whole: !query.split('&').any(|pair| pair == "part=main"),
        }))
    }
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    BridgeState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = BridgeState::from_ref(state);
        match Self::find(parts, &state).await? {
            Some(visitor) => Ok(visitor),
            None => Err(Problem::SignIn { next: crate::next::of_request(parts) }),
        }
    }
}

/// The taste alone, for pages that anybody sees.
impl<S: Send + Sync> FromRequestParts<S> for Taste {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}
