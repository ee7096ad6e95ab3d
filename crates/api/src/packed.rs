//! Texts that never change while the server runs, packed once for everybody who takes them so.

use std::io::Write as _;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// A text, as it is and packed.
pub(crate) struct Packed {
    plain: Bytes,
    gzip: Bytes,
}

impl Packed {
    pub(crate) fn new(text: String) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).expect("memory takes what is written");
        let gzip = encoder.finish().expect("memory takes what is written");
        Self { plain: text.into(), gzip: gzip.into() }
    }

    /// The text for a client that said what it takes. Browsers ask again after an update.
    pub(crate) fn answer(&self, headers: &HeaderMap, kind: &'static str) -> Response {
        let mut response = match takes_gzip(headers) {
            true => ([(header::CONTENT_ENCODING, "gzip")], self.gzip.clone()).into_response(),
            false => self.plain.clone().into_response(),
        };
        for (name, value) in [
            (header::CONTENT_TYPE, kind),
            (header::VARY, "accept-encoding"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Whether a client names gzip, and does not refuse it (`gzip;q=0`).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    let accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(weight, Some(Ok(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_gzip_gets_it() {
        for (said, taken) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, said.parse().unwrap())]);
            assert_eq!(takes_gzip(&headers), taken, "{said}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
