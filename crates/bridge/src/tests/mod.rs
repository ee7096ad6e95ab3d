//! Pages as a browser without scripts sees them, on a real engine.

mod browser;
mod colours;
mod decisions;
mod escaping;
mod forms;
mod live;
mod pages;
mod scene;
mod sign_in;
mod upstream;
