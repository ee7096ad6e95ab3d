//! Styles and scripts, each under a name that changes with its content, so that browsers may keep
//! them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// One file.
struct Asset {
    path: String,
    mime: &'static str,
    bytes: &'static [u8],
}

/// Where the files are.
pub(crate) struct Assets {
    style: Asset,
    live: Asset,
    clock: Asset,
    keys: Asset,
    mark: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: asset("bridge", "css", "text/css", include_bytes!("../assets/bridge.css")),
    live: asset("live", "js", "text/javascript", include_bytes!("../assets/live.js")),
    clock: asset("clock", "js", "text/javascript", include_bytes!("../assets/clock.js")),
    keys: asset("keys", "js", "text/javascript", include_bytes!("../assets/keys.js")),
    mark: asset("mark", "svg", "image/svg+xml", include_bytes!("../assets/mark.svg")),
});

fn asset(name: &str, suffix: &str, mime: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = Sha256::digest(bytes);
    let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Asset { path: format!("/bridge/assets/{name}.{hash}.{suffix}"), mime, bytes }
}

impl Assets {
    /// The files of this build.
    pub(crate) fn get() -> &'static Self {
        &ASSETS
    }

    /// Path of the style sheet.
    pub(crate) fn style(&self) -> &str {
        &self.style.path
    }

    /// Path of the script that keeps pages true.
    pub(crate) fn live(&self) -> &str {
        &self.live.path
    }

    /// Path of the script that tells the time.
    pub(crate) fn clock(&self) -> &str {
        &self.clock.path
    }

    /// Path of the script for the keyboard.
    pub(crate) fn keys(&self) -> &str {
        &self.keys.path
    }

    /// Path of the mark.
    pub(crate) fn mark(&self) -> &str {
        &self.mark.path
    }

    fn find(&self, name: &str) -> Option<&Asset> {
        let all = [&self.style, &self.live, &self.clock, &self.keys, &self.mark];
        all.into_iter().find(|asset| asset.path.strip_prefix("/bridge/assets/") == Some(name))
    }
}

/// `GET /bridge/assets/{name}`
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = Assets::get().find(&name).ok_or(Problem::NotFound("file"))?;
    let kind = match asset.mime {
        "image/svg+xml" => asset.mime.to_owned(),
        text => format!("{text}; charset=utf-8"),
    };
    let forever = "public, max-age=31536000, immutable".to_owned();
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, forever)], asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_load_stays_small() {
        let assets = Assets::get();
        for (asset, bytes_max) in [
            (&assets.style, 20_480),
            (&assets.live, 6_144),
            (&assets.clock, 2_048),
            (&assets.keys, 2_048),
        ] {
            assert!(asset.bytes.len() <= bytes_max, "{}: {}", asset.path, asset.bytes.len());
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in [&ASSETS.style, &ASSETS.live, &ASSETS.clock, &ASSETS.keys] {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            assert!(
                !text.contains("//cdn") && !text.contains("https://") && !text.contains("url(")
            );
        }
    }
}
