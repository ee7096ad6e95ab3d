//! Who is alive, across restarts and clocks that are set.

use serde_json::json;
use tidegate_core::built_in::BuiltIn;
use tidegate_core::uniform::{Command, Outcome, Sent};
use tidegate_store::{Reader as _, Write, Written};

use super::super::ada;
use super::{Loop, fresh};
use crate::{Done, Retention, Wake, Work};

impl Loop {
    fn change(&mut self, command: Command) -> Outcome {
        let work = Work::Write(Write::Integration { command, tasks: None }, ada());
        match self.driver.turn(vec![work]).unwrap().0.remove(0) {
            Ok(Done::Written(Written::Integration(outcome))) => outcome,
            other => panic!("{other:?}"),
        }
    }

    fn register(&mut self) {
        let sent: Sent = serde_json::from_value(json!({
            "name": "job-executor-service",
            "metadata": {"hostname": "n1", "kubernetesmetadata": {"namespace": "keptn"}},
            "subscriptions": [{"event": "sh.keptn.event.>"}],
        }))
        .unwrap();
        let outcome = self.change(Command::Register(Box::new(sent.try_into().unwrap())));
        assert!(matches!(outcome, Outcome::Registered(_)), "{outcome:?}");
    }

    /// Whether a deployment that is triggered now is left to the integration.
    fn is_left(&mut self) -> bool {
        let before = self.reader.deliveries(BuiltIn::Jobs, -1, 99).unwrap().len();
        let context = self.trigger("delivery");
        let left = self.reader.stood_down(&super::tour(), context).unwrap().len();
        let handed = self.reader.deliveries(BuiltIn::Jobs, -1, 99).unwrap().len() - before;
        assert_eq!(left + handed, 1, "to one of both");
        // The next one finds its lane free.
        self.control(tidegate_core::sequence::Control::Abort, context).unwrap();
        left == 1
    }

    fn has_lapsed(&self) -> bool {
        self.reader.integrations().unwrap()[0].lapsed
    }
}

#[test]
fn the_loop_wakes_when_nobody_has_heard_of_an_integration_for_long() {
    let (_directory, mut run) = fresh(Retention::default());
    run.settle();
    run.register();
    assert_eq!(run.driver.wake(), Wake::At(run.driver.now() + jiff::SignedDuration::from_mins(1)));
    run.hands.pass(59);
    run.settle();
    assert!(!run.has_lapsed() && run.is_left());
    run.hands.pass(1);
    run.settle();
    assert!(run.has_lapsed() && !run.is_left());
    let id = run.reader.integrations().unwrap().remove(0).id;
    run.change(Command::Ping(id));
    assert!(!run.has_lapsed() && run.is_left(), "it is back");
}

#[test]
fn after_a_restart_who_was_alive_is_for_as_long_again_and_who_was_not_is_not() {
    let (directory, mut run) = fresh(Retention::default());
    run.register();
    run.hands.pass(30);
    // It runs for an hour more, and nobody is heard of.
    let mut run = run.restart(directory.path());
    run.hands.pass(3_600);
    let mut run = {
        run.driver.turn(Vec::new()).unwrap();
        run.restart(directory.path())
    };
    run.settle();
    assert!(!run.is_left(), "it had gone while the server ran");
    let id = run.reader.integrations().unwrap().remove(0).id;
    run.change(Command::Ping(id));
    let hands = run.hands.clone();
    drop(run);
    hands.pass(3_600);
    let mut run = super::open(directory.path(), hands, Retention::default());
    assert!(run.is_left(), "nobody could be heard of while the server was down");
    run.hands.pass(60);
    run.settle();
    assert!(!run.is_left());
}

#[test]
fn nobody_is_given_up_because_a_clock_was_set() {
    let (_directory, mut run) = fresh(Retention::default());
    run.settle();
    run.register();
    run.hands.set(86_400);
    run.settle();
    assert!(run.is_left(), "there was no time to be heard of");
    run.hands.pass(61);
    run.settle();
    assert!(!run.is_left(), "there was since");
    run.hands.pass(61);
    run.settle();
    assert!(run.has_lapsed());
}
