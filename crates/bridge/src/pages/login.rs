//! Signing in by a one-time link or by a token, and signing out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use tidegate_core::principal::Principal;
use tidegate_identity::{SessionToken, SignInCode, TooMany, Transport};
use tidegate_store::{SessionRow, Write, Written};

use crate::form::{Anonymous, Fields, Signed};
use crate::frame::{Frame, html};
use crate::live::Streams;
use crate::next::Next;
use crate::problem::{Problem, see_other};
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::{Taste, Visitor, session_of};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    csrf: String,
    next: String,
    way: Way,
}

/// How somebody can sign in.
enum Way {
    /// One press is enough.
    Link { name: Text, code: String },
    /// By pasting a token; what went wrong before.
    Token { wrong: Option<Wrong> },
}

/// What did not sign in.
enum Wrong {
    /// The link.
    Link(&'static str),
    /// The token.
    Token(&'static str),
}

impl Way {
    /// What is left where a link is of no use.
    fn used() -> Self {
        Self::Token { wrong: Some(Wrong::Link(USED)) }
    }
}

const USED: &str = "This link was used before, or its time is over. Ask for a new one, or paste a \
                    token.";
const WRONG: &str = "This token is not known here.";
const SLOW: &str = "Too many wrong tokens from your address. Wait a moment, then try again.";
/// How long a session lasts.
const SESSION_TIME: Duration = Duration::from_secs(12 * 60 * 60);

/// `GET /bridge/login`
pub(crate) async fn page(
    State(state): State<BridgeState>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let next = Next::parse(query.get("next").map_or("", String::as_str));
    let Some(code) = query.get("code") else {
        if Visitor::find(&parts, &state).await?.is_some() {
            return Ok(see_other(next.as_str()));
        }
        return form(&parts, &next, Way::Token { wrong: None }, StatusCode::OK);
    };
    let used = || form(&parts, &next, Way::used(), StatusCode::GONE);
    let Ok(code) = SignInCode::parse(code) else { return used() };
    let (key, now) = (code.digest(), state.engine.now());
    match state.engine.read(move |reader| reader.sign_in(&key, now)).await? {
        Some(row) => {
            let way = Way::Link { name: Text::line(row.name.as_str()), code: code.expose() };
            form(&parts, &next, way, StatusCode::OK)
        }
        None => used(),
    }
}

/// The form, with a cookie that its token fits: nobody else's page can send it.
fn form(parts: &Parts, next: &Next, way: Way, status: StatusCode) -> Result<Response, Problem> {
    let found = session_of(&parts.headers);
    let is_new = found.is_none();
    let session = found.unwrap_or_else(SessionToken::generate);
    let mut frame = Frame::bare("Sign in");
    frame.taste = Taste::of(parts);
    let next = next.as_str().to_owned();
    let page = LoginPage { frame, csrf: session.csrf(), next, way };
    let mut response = html(&page, status)?;
    if is_new {
        set_cookie(&mut response, &session.set_cookie(SESSION_TIME, transport(&parts.headers)));
    }
    Ok(response)
}

/// `POST /bridge/login`, with a `code` or a `token`.
pub(crate) async fn sign_in(
    State(state): State<BridgeState>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let Anonymous(fields) = axum::RequestExt::extract(request).await?;
    let next = Next::parse(fields.get("next"));
    let now = state.engine.now();
    // A new secret: whoever knew the cookie before the sign-in does not know the session.
    let session = SessionToken::generate();
    let row = SessionRow {
        digest: session.digest(),
        // A link replaces it with its own person.
        principal: Principal::Wire,
        expires: now + SESSION_TIME,
    };
    let written = if fields.get("code").is_empty() {
        match by_token(&state, &fields, &parts) {
            Ok(principal) => {
                let row = SessionRow { principal: principal.clone(), ..row };
                state.engine.write(Write::PutSession(row), &principal).await?;
                true
            }
            Err(refused) => return turned_away(&refused, &parts, &next),
        }
    } else {
        match SignInCode::parse(fields.get("code")) {
            Ok(code) => {
                let write = Write::UseSignIn { code: code.digest(), session: row, now };
                // Nobody is known yet: the store says who the link was for.
                let written = state.engine.write(write, &Principal::Wire).await?;
                matches!(written, Written::SignedIn(Some(_)))
            }
            Err(_) => false,
        }
    };
    if !written {
        return form(&parts, &next, Way::used(), StatusCode::GONE);
    }
    let mut response = see_other(next.as_str());
    set_cookie(&mut response, &session.set_cookie(SESSION_TIME, transport(&parts.headers)));
    Ok(response)
}

/// Why a token does not sign in.
enum Refused {
    Wrong,
    TooMany(TooMany),
}

/// A valid token is never turned away; guesses are slowed down.
fn by_token(state: &BridgeState, fields: &Fields, parts: &Parts) -> Result<Principal, Refused> {
    if let Some(principal) = state.tokens.principal(fields.get("token").trim()) {
        return Ok(principal);
    }
    let mut limits = state.limits.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match limits.wrong(peer(parts), Instant::now()) {
        Ok(()) => Err(Refused::Wrong),
        Err(too_many) => Err(Refused::TooMany(too_many)),
    }
}

fn turned_away(refused: &Refused, parts: &Parts, next: &Next) -> Result<Response, Problem> {
    let way = |why| Way::Token { wrong: Some(Wrong::Token(why)) };
    match refused {
        Refused::Wrong => form(parts, next, way(WRONG), StatusCode::UNAUTHORIZED),
        Refused::TooMany(too_many) => {
            let mut response = form(parts, next, way(SLOW), StatusCode::TOO_MANY_REQUESTS)?;
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(too_many.seconds()));
            Ok(response)
        }
    }
}

/// The peer's address; all that come without one share theirs.
fn peer(parts: &Parts) -> IpAddr {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())
}

/// `POST /bridge/logout`
pub(crate) async fn sign_out(
    State(state): State<BridgeState>,
    State(streams): State<Streams>,
    headers: HeaderMap,
    signed: Signed,
) -> Result<Response, Problem> {
    let Visitor { session, principal, .. } = signed.visitor;
    state.engine.write(Write::DropSession(session), &principal).await?;
    streams.end(session);
    let mut response = see_other("/bridge/login");
    set_cookie(&mut response, &SessionToken::clear_cookie(transport(&headers)));
    Ok(response)
}

/// Only a proxy in front can say so, and only our own cookie depends on it.
fn transport(headers: &HeaderMap) -> Transport {
    match headers.get("x-forwarded-proto") {
        Some(proto) if proto == "https" => Transport::Https,
        _ => Transport::Http,
    }
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
