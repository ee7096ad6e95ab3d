//! The steps. Each leaves the scene as the next one needs it.

mod delivery;
mod gate;
mod healing;

use anyhow::Result;

use super::scene::Scene;

type Step = fn(&mut Scene) -> Result<()>;

/// In order, with what the tutorial calls them.
pub(super) const ALL: [(&str, Step); 6] = [
    ("authentication and login", delivery::authenticate),
    ("multi-stage delivery", delivery::deliver),
    ("manual approval", delivery::approve),
    ("quality-gated release", gate::release),
    ("release validation", gate::validate),
    ("self-healing", healing::heal),
];

/// A version that is good.
const GOOD: &str = "v0.1.1";
/// One that is slow: its answers take 0.4 s.
const SLOW: &str = "v0.1.2";
/// One that is slow where it has to bear everything alone. The tutorial has none like it.
const WEAK: &str = "v0.1.3";
