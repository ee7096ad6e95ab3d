//! Shipyards to begin with.

/// A shipyard of ours.
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
}

/// From the simplest on.
pub(super) const TEMPLATES: [Template; 3] = [
    Template {
        name: "approval",
        title: "Two stages, a person in between",
        text: include_str!("../../../assets/shipyards/approval.yaml"),
    },
    Template {
        name: "one-stage",
        title: "One stage",
        text: include_str!("../../../assets/shipyards/one-stage.yaml"),
    },
    Template {
        name: "quality-gate",
        title: "Three stages, a quality gate and a rollback",
        text: include_str!("../../../assets/shipyards/quality-gate.yaml"),
    },
];

#[cfg(test)]
mod tests {
    use tidegate_core::shipyard::{Shipyard, lint};

    use super::*;

    #[test]
    fn every_template_is_a_shipyard_without_findings() {
        for template in &TEMPLATES {
            assert!(Shipyard::parse(template.text).is_ok(), "{}", template.name);
            assert_eq!(lint(template.text), [], "{}", template.name);
        }
    }
}
