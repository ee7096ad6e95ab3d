#![allow(clippy::needless_pass_by_value, reason = "json!(…) in place reads best")]

mod answers;
mod approvals;
mod data;
mod deliveries;
mod evaluations;
mod follow_ups;
mod integrations;
mod keptn;
mod lanes;
mod on_fail;
mod pausing;
mod points;
mod properties;
mod remediation;
mod revisions;
mod rows;
mod states;
mod timeouts;
mod world;

/// The tour's third step: qa, then a person, then production.
const TOUR: &str = "\
apiVersion: spec.keptn.sh/0.2.2
spec:
  stages:
    - name: qa
      sequences:
        - name: delivery
          tasks: [{ name: deployment }, { name: test }]
    - name: production
      sequences:
        - name: delivery
          triggeredOn: [{ event: qa.delivery.finished }]
          tasks:
            - name: approval
              properties: { pass: manual, warning: manual }
            - name: deployment
        - name: rollback
          triggeredOn:
            - event: production.delivery.finished
              selector: { match: { result: fail } }
          tasks: [{ name: rollback }]
";
