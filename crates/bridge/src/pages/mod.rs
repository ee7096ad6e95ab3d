//! One page, one file; its template has the same name.

pub(crate) mod abort;
pub(crate) mod approval;
pub(crate) mod bulk;
pub(crate) mod conflict;
pub(crate) mod create_project;
pub(crate) mod environment;
pub(crate) mod evaluation;
pub(crate) mod event;
#[cfg(any(test, debug_assertions))]
pub(crate) mod gallery;
pub(crate) mod inbox;
pub(crate) mod integrations;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod moved;
pub(crate) mod pause;
pub(crate) mod projects;
pub(crate) mod quality;
pub(crate) mod rerun;
pub(crate) mod search;
pub(crate) mod sequence;
pub(crate) mod sequences;
pub(crate) mod service;
pub(crate) mod trace;
pub(crate) mod trigger;
