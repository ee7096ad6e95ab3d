//! Forms: read only after it is certain that a page of ours sent them, for this session.

use axum::Form;
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{HOST, HeaderName, ORIGIN};

use crate::problem::Problem;
use crate::state::BridgeState;
use crate::visitor::{Visitor, session_of};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The fields of a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Every value of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of that name; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// A form from one of our pages, sent by somebody who is signed in.
pub(crate) struct Signed {
    /// Who.
    pub(crate) visitor: Visitor,
    /// What.
    pub(crate) fields: Fields,
}

/// A form from one of our pages, sent by anybody: its token fits the cookie that came with the page.
pub(crate) struct Anonymous(pub(crate) Fields);

impl<S> FromRequest<S> for Signed
where
    S: Send + Sync,
    BridgeState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let visitor = Visitor::find(&parts, &BridgeState::from_ref(state)).await?;
        let request = Request::from_parts(parts, body);
        // Another site's form must not even learn whether somebody is signed in.
        if !is_same_origin(request.headers()) {
            return Err(Problem::Forged);
        }
        let Some(visitor) = visitor else {
            let (parts, _) = request.into_parts();
            return Err(Problem::SignIn { next: crate::next::of_request(&parts) });
        };
        let fields = read(request, state).await?;
        Ok(Self { visitor, fields })
    }
}

impl<S: Send + Sync> FromRequest<S> for Anonymous {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_same_origin(request.headers()) {
            return Err(Problem::Forged);
        }
        Ok(Self(read(request, state).await?))
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Fields, Problem> {
    let (parts, body) = request.into_parts();
    let session = session_of(&parts.headers);
    let request = Request::from_parts(parts, body);
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, state)
        .await
        .map_err(|rejection| Problem::Form { status: rejection.status() })?;
    let fields = Fields(fields);
    match session {
        Some(session) if session.verify_csrf(fields.get("csrf")) => Ok(fields),
        _ => Err(Problem::Forged),
    }
}

/// Whether a browser says that the form comes from a page of ours. A client that says nothing is no
/// browser; the form's token decides alone.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = text(&FETCH_SITE)
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    let Some(origin) = text(&ORIGIN) else { return true };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    // A page cannot set either header, so a proxy that names the outer host may be believed here.
    let hosts = [text(&HOST), text(&FORWARDED_HOST)];
    hosts.into_iter().flatten().any(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_origin(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::from_static(name), value.parse().expect("a header value"))
        });
        is_same_origin(&pairs.collect())
    }

    #[test]
    fn forms_of_other_origins_are_told_apart() {
        assert!(same_origin(&[("host", "a:7070"), ("origin", "http://a:7070")]));
        assert!(same_origin(&[("host", "a:7070")]));
        let proxied = [
            ("host", "inner:80"),
            ("x-forwarded-host", "a.example"),
            ("origin", "https://A.example"),
        ];
        assert!(same_origin(&proxied));
        assert!(same_origin(&[("host", "a"), ("sec-fetch-site", "same-origin")]));
        for wrong in [
            [("host", "a:7070"), ("origin", "http://b:7070")],
            [("host", "a:7070"), ("origin", "http://a")],
            [("host", "a"), ("origin", "null")],
            [("host", "a"), ("origin", "http://b.a")],
            [("host", "a"), ("sec-fetch-site", "cross-site")],
            [("host", "a"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(!same_origin(&wrong), "{wrong:?}");
        }
    }
}
