//! The HTTP surface: what Keptn 1.4's clients know, and Tidegate's own routes beside it.
//!
//! Invariants: [`router`] is the complete list of routes; a request is parsed here, once, into types
//! that prove what they hold, and decided elsewhere; every error has the form
//! `{"code": …, "message": …}`; the document of the API lists every route with every answer; nobody is told whether something exists before they have shown a
//! token; this crate knows nothing of the Bridge.

mod auth;
mod body;
mod error;
mod failure;
mod openapi;
mod packed;
mod path;
mod query;
mod router;
mod routes;
mod state;

#[cfg(test)]
mod tests;

pub use body::BODY_BYTES_MAX;
pub use openapi::text as document;
pub use router::router;
pub use routes::live::Streams;
pub use routes::token::load_tokens;
pub use state::ApiState;
