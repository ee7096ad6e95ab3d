//! Requests as clients send them, to the router on a real engine.

mod alertmanager;
mod approvals;
mod auth;
mod bad_input;
mod conformance;
mod control_plane;
mod datastore;
mod evaluate;
mod evaluations;
mod events;
mod executions;
mod git;
mod integrations;
mod live;
mod openapi;
mod resources;
mod sequence_views;
mod server;
mod tokens;
mod uniform;
mod upstream;
