//! The page that people read the document on: rendered here, once, from the document itself. It needs no
//! script.

mod curl;
mod schema;
mod view;

use std::sync::OnceLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use view::{Group, SchemaView};

const STYLE: &str = include_str!("../../assets/document.css");

#[derive(Template)]
#[template(path = "document.html")]
struct Page {
    version: String,
    description: schema::Prose,
    style: &'static str,
    groups: Vec<Group>,
    schemas: Vec<SchemaView>,
}

/// The page.
pub(crate) fn render(version: &'static str) -> String {
    let document = serde_json::to_value(super::document(version));
    let document = document.expect("the document holds texts and numbers only");
    let text = |key: &str| document["info"][key].as_str().unwrap_or_default().to_owned();
    let page = Page {
        version: text("version"),
        description: schema::prose(&text("description")),
        style: STYLE,
        groups: view::groups(&document),
        schemas: view::schemas(&document),
    };
    page.render().expect("the template needs nothing but memory")
}

/// What the page may load: nothing but the one style that it carries.
pub(crate) fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let digest = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        )
    })
}
