//! Styles and scripts, each under a name that changes with its content, so that browsers may keep
//! them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asset {
    /// The style sheet.
    Style,
    /// Takes over what has changed.
    Morph,
    /// Keeps pages true.
    Live,
    /// Tells the time.
    Clock,
    /// Searches from anywhere.
    Palette,
    /// Decides one of several approvals.
    Decide,
    /// Acts on single letters.
    Keys,
    /// Moves the line of now, finds in logs, and walks the rows of a delivery.
    Sequence,
    /// Walks the cells of a heatmap.
    Heatmap,
    /// The mark, as the icon of the site.
    Mark,
    /// The same while something waits.
    MarkDot,
}

/// The style sheet: a later part may refine an earlier one.
pub(crate) const STYLE: &str = concat!(
    include_str!("../assets/style/tokens.css"),
    include_str!("../assets/style/base.css"),
    include_str!("../assets/style/frame.css"),
    include_str!("../assets/style/chip.css"),
    include_str!("../assets/style/form.css"),
    include_str!("../assets/style/card.css"),
    include_str!("../assets/style/rows.css"),
    include_str!("../assets/style/sequence.css"),
    include_str!("../assets/style/environment.css"),
    include_str!("../assets/style/projects.css"),
    include_str!("../assets/style/evaluation.css"),
    include_str!("../assets/style/single.css"),
);

static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| Asset::ALL.map(Asset::hashed).into());

impl Asset {
    const ALL: [Self; 11] = [
        Self::Style,
        Self::Morph,
        Self::Live,
        Self::Clock,
        Self::Palette,
        Self::Decide,
        Self::Keys,
        Self::Sequence,
        Self::Heatmap,
        Self::Mark,
        Self::MarkDot,
    ];

    /// Name, suffix and content.
    fn file(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Style => ("bridge", "css", STYLE),
            Self::Morph => ("morph", "js", include_str!("../assets/morph.js")),
            Self::Live => ("live", "js", include_str!("../assets/live.js")),
            Self::Clock => ("clock", "js", include_str!("../assets/clock.js")),
            Self::Palette => ("palette", "js", include_str!("../assets/palette.js")),
            Self::Decide => ("decide", "js", include_str!("../assets/decide.js")),
            Self::Keys => ("keys", "js", include_str!("../assets/keys.js")),
            Self::Sequence => ("sequence", "js", include_str!("../assets/sequence.js")),
            Self::Heatmap => ("heatmap", "js", include_str!("../assets/heatmap.js")),
            Self::Mark => ("mark", "svg", include_str!("../assets/mark.svg")),
            Self::MarkDot => ("mark-dot", "svg", include_str!("../assets/mark-dot.svg")),
        }
    }

    fn hashed(self) -> String {
        let (name, suffix, text) = self.file();
        let digest = Sha256::digest(text);
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("/bridge/assets/{name}.{hash}.{suffix}")
    }

    /// Where this build serves it.
    pub(crate) fn path(self) -> &'static str {
        &PATHS[self as usize]
    }

    fn mime(self) -> &'static str {
        match self.file().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        }
    }
}

/// `GET /bridge/assets/{name}`
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, Problem> {
    let is_it = |asset: &Asset| asset.path().strip_prefix("/bridge/assets/") == Some(&name);
    let asset = Asset::ALL.into_iter().find(is_it).ok_or(Problem::NotFound("file"))?;
    let forever = "public, max-age=31536000, immutable";
    let headers = [(CONTENT_TYPE, asset.mime()), (CACHE_CONTROL, forever)];
    Ok((headers, asset.file().2).into_response())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Size as it is sent.
    fn packed_bytes(assets: &[Asset]) -> usize {
        let sizes = assets.iter().map(|asset| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(asset.file().2.as_bytes()).unwrap();
            encoder.finish().unwrap().len()
        });
        sizes.sum()
    }

    #[test]
    fn paths_are_in_the_order_of_the_files() {
        for asset in Asset::ALL {
            let (name, suffix, _) = asset.file();
            let path = asset.path();
            assert!(path.contains(&format!("/{name}.")) && path.ends_with(suffix), "{path}");
        }
    }

    #[test]
    fn first_load_stays_small() {
        let scripts = Asset::ALL.into_iter().filter(|asset| asset.file().1 == "js");
        let (style, scripts) =
            (packed_bytes(&[Asset::Style]), packed_bytes(&scripts.collect::<Vec<_>>()));
        assert!(style <= 20_480, "{style}");
        assert!(scripts <= 15_360, "{scripts}");
        assert!(packed_bytes(&[Asset::Live]) <= 6_144);
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in Asset::ALL.into_iter().filter(|asset| asset.file().1 != "svg") {
            let text = asset.file().2;
            assert!(
                !text.contains("//cdn") && !text.contains("https://") && !text.contains("url(")
            );
        }
    }
}
