//! Pages as a browser without scripts sees them, on a real engine.

mod browser;
mod colours;
mod create_project;
mod decisions;
mod environment;
mod escaping;
mod evaluation;
mod forms;
mod inbox;
mod live;
mod overridden;
mod pages;
mod problems;
mod projects;
mod replay;
mod revised;
mod scene;
mod search;
mod sequence;
mod sequences;
mod sign_in;
mod trigger;
mod upstream;
