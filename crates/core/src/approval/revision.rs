//! What changed under an approval, in words.

use crate::sequence::Evidence;

/// One sentence for each result that is another one now; without a full stop.
pub(crate) fn between(was: &[Evidence], now: &[Evidence]) -> Vec<String> {
    let said = now.iter().filter_map(|one| {
        let old = was.iter().find(|old| one.follows(old));
        sentence(old, one)
    });
    said.collect()
}

fn sentence(was: Option<&Evidence>, now: &Evidence) -> Option<String> {
    let Evidence { stage, task, result, .. } = now;
    let changed = match was {
        None => Some(format!("a new {task} in {stage} says {result}")),
        Some(was) if was.event == now.event => None,
        Some(was) if was.result == *result => {
            Some(format!("a newer {task} in {stage} says {result} again"))
        }
        Some(was) => Some(format!("the {task} in {stage} was {}, now {result}", was.result)),
    };
    let was_invalid = was.is_some_and(|was| was.event == now.event && was.invalid.is_some());
    match (changed, was_invalid, now.invalid.is_some()) {
        (None, false, true) => {
            Some(format!("the {task} in {stage}, {result}, was declared invalid"))
        }
        (None, true, false) => Some(format!("the {task} in {stage}, {result}, counts again")),
        (Some(changed), _, true) => Some(format!("{changed}, and was declared invalid")),
        (changed, ..) => changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{EventId, StageName, TaskName};

    fn evidence(task: &str, result: &str, event: u8, invalid: bool) -> Evidence {
        let id = |n: u8| EventId::from(uuid::Uuid::from_bytes([n; 16]));
        Evidence {
            stage: StageName::new("qa").unwrap(),
            task: TaskName::new(task).unwrap(),
            result: result.to_owned(),
            event: id(event),
            digest: String::new(),
            asked: None,
            score: None,
            invalid: invalid.then(|| id(99)),
        }
    }

    #[test]
    fn each_change_has_its_sentence_and_what_is_the_same_has_none() {
        let test = evidence("test", "pass", 1, false);
        let gate = |result, event, invalid| evidence("evaluation", result, event, invalid);
        let was = [test.clone(), gate("pass", 2, false)];
        for (now, says) in [
            (gate("pass", 2, false), ""),
            (gate("pass", 2, true), "the evaluation in qa, pass, was declared invalid"),
            (gate("fail", 3, false), "the evaluation in qa was pass, now fail"),
            (gate("pass", 3, false), "a newer evaluation in qa says pass again"),
            (
                gate("fail", 3, true),
                "the evaluation in qa was pass, now fail, and was declared invalid",
            ),
        ] {
            assert_eq!(between(&was, &[test.clone(), now]).join("; "), says);
        }
        let void = [gate("pass", 2, true)];
        let restored = [gate("pass", 2, false), test];
        assert_eq!(
            between(&void, &restored),
            ["the evaluation in qa, pass, counts again", "a new test in qa says pass"]
        );
    }
}
