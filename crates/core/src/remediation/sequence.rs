//! The sequence that remedies.

use super::SEQUENCE;
use crate::event::Scope;
use crate::names::{SequenceName, ServiceName};
use crate::shipyard::Shipyard;

/// Its name.
#[must_use]
pub fn sequence() -> SequenceName {
    SequenceName::new(SEQUENCE).expect("a plain word")
}

/// Why nothing would remedy a problem, in a project with this shipyard and these services; none where the
/// sequence can begin. Keptn 1.4 begins one all the same, and it ends with an error at once.
#[must_use]
pub fn unremedied<'a>(
    scope: &Scope,
    shipyard: &Shipyard,
    mut services: impl Iterator<Item = &'a ServiceName>,
) -> Option<String> {
    let Scope { project, stage, service } = scope;
    if let Err(reason) = shipyard.tasks(stage, &sequence()) {
        return Some(format!("{reason}; shipyard.yaml of project {project} says what there is"));
    }
    let is_there = services.any(|known| known == service);
    (!is_there).then(|| format!("project {project} has no service {service}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{ProjectName, StageName};

    const SHIPYARD: &str = "{ apiVersion: spec.keptn.sh/0.2.2, spec: { stages: [
        { name: qa, sequences: [{ name: delivery, tasks: [{ name: test }] }] },
        { name: production, sequences: [{ name: remediation, tasks: [{ name: action }] }] },
        { name: empty, sequences: [{ name: remediation, tasks: [] }] }] } }";

    #[test]
    fn a_problem_is_remedied_where_the_sequence_and_the_service_are() {
        let shipyard = Shipyard::parse(SHIPYARD).unwrap();
        let known = [ServiceName::new("carts").unwrap()];
        for (stage, service, says) in [
            ("production", "carts", None),
            ("production", "orders", Some("project shop has no service orders")),
            (
                "qa",
                "carts",
                Some("no task sequence with name remediation found in stage qa; shipyard"),
            ),
            (
                "empty",
                "carts",
                Some("task sequence remediation does not contain any tasks; shipyard"),
            ),
            ("dev", "carts", Some("no stage with name dev; shipyard.yaml of project shop")),
        ] {
            let scope = Scope {
                project: ProjectName::new("shop").unwrap(),
                stage: StageName::new(stage).unwrap(),
                service: ServiceName::new(service).unwrap(),
            };
            let told = unremedied(&scope, &shipyard, known.iter());
            match (told, says) {
                (None, None) => {}
                (Some(told), Some(says)) => assert!(told.starts_with(says), "{told}"),
                (told, says) => panic!("{stage} {service}: {told:?}, not {says:?}"),
            }
        }
    }
}
