//! The handlers, a file per resource. Each parses, asks the engine, and shows the answer.

pub(crate) mod alertmanager;
pub(crate) mod approval;
pub(crate) mod auth;
pub(crate) mod datastore;
pub(crate) mod document;
pub(crate) mod evaluate;
pub(crate) mod evaluation;
pub(crate) mod event;
pub(crate) mod event_entry;
pub(crate) mod gateway;
pub(crate) mod git;
pub(crate) mod health;
pub(crate) mod integration;
pub(crate) mod live;
pub(crate) mod metadata;
pub(crate) mod open_event;
pub(crate) mod project;
pub(crate) mod resource;
pub(crate) mod sequence;
pub(crate) mod sequence_execution;
pub(crate) mod sequence_view;
pub(crate) mod service;
pub(crate) mod sign_in_link;
pub(crate) mod stage;
pub(crate) mod token;
pub(crate) mod upstream;
