//! Pages for what did not work, as part of the Bridge: with its navigation where somebody is signed in,
//! in the colours that they chose, and with what they may have meant.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tidegate_store::Reader;

use crate::frame::{Frame, Place, waiting};
use crate::problem::Words;
use crate::state::BridgeState;
use crate::view::Text;
use crate::visitor::{Taste, Visitor};

/// Most names that are offered, and most that are compared.
const NEAR_MAX: usize = 3;
const PROJECTS_MAX: u64 = 1000;
/// How many letters of a name may be wrong.
const WRONG_MAX: usize = 3;

/// Gives a page its frame. What the store does not answer is left out: the page needs nothing to be up.
pub(crate) async fn dress(
    State(state): State<BridgeState>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    let Some(words) = response.extensions().get::<Words>().cloned() else { return response };
    let taste = Taste::of(&parts);
    let mut frame = Frame { taste, ..Frame::bare(words.heading()) };
    let mut near = Vec::new();
    if let Ok(Some(visitor)) = Visitor::find(&parts, &state).await {
        let asked = words.is_not_found().then(|| project_of(parts.uri.path())).flatten();
        let read = state.engine.read(move |reader| {
            let near = asked.map(|name| nearest(reader, &name)).transpose()?.unwrap_or_default();
            Ok((waiting(reader)?, near))
        });
        if let Ok((waiting, found)) = read.await {
            frame = Frame::new(&visitor, Text::line(words.heading()), Place::Nowhere, waiting);
            near = found;
        }
    }
    let Ok(mut dressed) = words.page(frame, near) else { return response };
    // What the problem says beside its page, such as when to come back.
    for (name, value) in response.headers() {
        if !dressed.headers().contains_key(name) {
            dressed.headers_mut().insert(name.clone(), value.clone());
        }
    }
    dressed.headers_mut().remove(axum::http::header::CONTENT_LENGTH);
    dressed
}

/// The project that an address names.
fn project_of(path: &str) -> Option<String> {
    let name = path.strip_prefix("/bridge/project/")?.split('/').next()?;
    Some(percent_encoding::percent_decode_str(name).decode_utf8_lossy().to_lowercase())
}

/// Projects whose names are like that one, the most alike first; none where it exists.
fn nearest(
    reader: &dyn Reader,
    name: &str,
) -> Result<Vec<(Text, String)>, tidegate_store::StoreError> {
    let projects = reader.projects(0, PROJECTS_MAX)?.items;
    let names = projects.iter().map(|row| row.name.as_str());
    let mut near: Vec<(usize, &str)> =
        names.map(|known| (strsim::levenshtein(name, known), known)).collect();
    near.retain(|(wrong, _)| (1..=WRONG_MAX).contains(wrong));
    near.sort_unstable();
    near.truncate(NEAR_MAX);
    let link = |(_, name)| (Text::line(name), format!("/bridge/project/{name}"));
    Ok(near.into_iter().map(link).collect())
}
