//! Who is signed in, and how they like their pages.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::form::Signed;
use crate::frame::{Frame, Place, html, waiting};
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::{Text, When};
use crate::visitor::{KEYS_COOKIE, THEME_COOKIE, Theme, Visitor};

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    name: Text,
    expires: When,
    themes: [(&'static str, &'static str, bool); 3],
    keys: bool,
}

/// `GET /bridge/me`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let waiting = state.engine.read(waiting).await?;
    let themes = [(Theme::System, "As the system"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
        .map(|(theme, word)| (theme.as_str(), word, visitor.taste.theme == theme));
    let page = MePage {
        name: Text::line(visitor.principal.to_string()),
        expires: When::to_come(visitor.expires, visitor.now),
        themes,
        keys: visitor.taste.keys,
        frame: Frame::new(&visitor, Text::line("Me"), Place::Me, waiting),
    };
    html(&page, StatusCode::OK)
}

/// `POST /bridge/me`
pub(crate) async fn change(signed: Signed) -> Result<Response, Problem> {
    let theme = Theme::parse(signed.fields.get("theme")).as_str();
    let keys = if signed.fields.get("keys") == "on" { "on" } else { "off" };
    let mut response = see_other("/bridge/me");
    for (name, value) in [(THEME_COOKIE, theme), (KEYS_COOKIE, keys)] {
        let year = 365 * 24 * 60 * 60;
        let cookie =
            format!("{name}={value}; Path=/bridge; Max-Age={year}; SameSite=Lax; HttpOnly");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
