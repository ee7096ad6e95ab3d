//! One file a resource.

pub(crate) mod approvals;
pub(crate) mod auth;
pub(crate) mod datastore;
pub(crate) mod event;
pub(crate) mod health;
pub(crate) mod metadata;
pub(crate) mod open_events;
pub(crate) mod project;
pub(crate) mod sequence;
pub(crate) mod service;
pub(crate) mod sign_in;
pub(crate) mod stage;
