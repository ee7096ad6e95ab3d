use super::*;

fn found(text: &str) -> Vec<String> {
    lint(text).iter().map(ToString::to_string).collect()
}

/// A file with one objective whose lines these are, and a sound rest. The lines begin in line 2.
fn objective(lines: &str) -> Vec<String> {
    found(&format!("objectives:\n{lines}total_score: {{pass: 90%, warning: 75%}}\n"))
}

/// What is said of one pass criterion, without its place.
fn criterion(text: &str) -> String {
    let said = objective(&format!("- {{sli: a, pass: [{{criteria: [{text:?}]}}]}}\n"));
    assert!(said.len() <= 1, "{said:?}");
    said.into_iter().next().map(|s| s.split_once(": ").unwrap().1.to_owned()).unwrap_or_default()
}

#[test]
fn of_a_sound_file_and_of_what_cannot_be_read_nothing_is_said() {
    let sound = "\
spec_version: '1.0'
filter: {handler: x}
comparison:
  compare_with: several_results
  include_result_with_score: PASS_or_warn
  number_of_comparison_results: 3
  aggregate_function: p90
objectives:
  - sli: response_time_p95
    displayName: Response time
    key_sli: true
    weight: 2
    pass:
      - criteria: ['<=+10%', '<600']
    warning:
      - criteria: ['<=800']
  - sli: throughput
total_score: {pass: 90%, warning: 75%}
";
    assert_eq!(found(sound), [""; 0]);
    for text in ["a: [", "7", "objectives: 7", "~", "objectives: [{weight: '2'}]"] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn a_comparison_that_is_not_what_it_seems_is_told() {
    for (lines, says) in [
        ("{}", "1:13: compare_with is \"\", so it is compared with the last 3 evaluations; write"),
        (
            "{compare_with: several_result}",
            "1:28: compare_with is \"several_result\", so it is compared with the last 3 evaluations; did you mean `several_results`?",
        ),
        (
            "{compare_with: several_results}",
            "1:28: without number_of_comparison_results it is compared with the last 3",
        ),
        (
            "{compare_with: several_results, number_of_comparison_results: 101}",
            "1:75: with this number every evaluation ends errored; write one from 1 to 100",
        ),
        (
            "{compare_with: several_results, number_of_comparison_results: -1}",
            "1:75: with this number",
        ),
        (
            "{compare_with: single_result, number_of_comparison_results: 5}",
            "1:73: single_result compares with one evaluation",
        ),
        (
            "{compare_with: single_result, aggregate_function: p99}",
            "1:63: \"p99\" is no aggregate function, so what was measured before counts as 0; write avg",
        ),
        (
            "{compare_with: single_result, include_result_with_score: passed}",
            "1:70: \"passed\" counts as all, failed and errored evaluations among them; did you mean `pass`?",
        ),
        ("{compare_with: single_result, aggregate: avg}", "1:43: unknown key `aggregate`"),
    ] {
        let said = found(&format!(
            "comparison: {lines}\nobjectives: [{{sli: a, pass: [{{criteria: [<1]}}]}}]\ntotal_score: {{pass: 90%}}\n"
        ));
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        assert!(said[0].starts_with(says), "{lines}: {said:?}");
    }
}

#[test]
fn a_criterion_that_is_not_what_it_seems_is_told() {
    for sound in ["<600", "<=+10%", ">=-10%", "<+5", "=0"] {
        assert_eq!(criterion(sound), "", "{sound}");
    }
    for (text, says) in [
        (">-5", "is relative: 5 less than before, not a number below 0"),
        ("<10%", "is relative: less than 10% more than before; write a + before the number"),
        ("<=10%", "is relative: at most 10% more than before; write a +"),
        ("=10%", "is relative: exactly 10% more than before; write a +"),
        (">=10%", "is relative: at least 10% more than before; write a +"),
        (">10%", "is relative: more than 10% more than before; write a +"),
        ("<+-5", "has two signs, and is <-5 of what was measured before"),
        ("<=--5%", "has two signs, and is <=+5% of what was measured before"),
        ("<++5", "has two signs, and is <+5 of"),
        ("<inf", "has no finite target, so every evaluation ends errored"),
        ("<+nan%", "has no finite target"),
        ("5", "invalid criteria string, so every evaluation fails; begin it with"),
        (
            "<5ms",
            "could not parse criteria target value, so every evaluation fails; write a number",
        ),
    ] {
        assert!(criterion(text).contains(says), "{text}: {}", criterion(text));
    }
}

#[test]
fn where_a_broken_criterion_stands_decides_what_it_breaks() {
    let said = objective("- sli: a\n  pass: [{criteria: [<1]}]\n  warning: [{criteria: [<2s]}]\n");
    assert_eq!(
        said,
        [
            "4:25: \"<2s\": could not parse criteria target value, so it never warns; write a number behind the \
          operator, without a unit"
        ]
    );
    let said = found(
        "objectives:\n- sli: a\n  warning: [{criteria: [2]}]\n- {sli: b, pass: [{criteria: [<1]}]}\n\
         total_score: {pass: 90%}\n",
    );
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("invalid criteria string, and nobody notices"), "{said:?}");
}

#[test]
fn a_warning_that_never_comes_alone_is_told() {
    let said = |pass: &str, warning: &str| {
        let lines = format!("- sli: a\n  pass: [{pass}]\n  warning: [{warning}]\n");
        objective(&lines).iter().any(|said| said.contains("so this never warns"))
    };
    for (pass, warning, never) in [
        ("{criteria: ['<10']}", "{criteria: ['<20']}", false),
        ("{criteria: ['<10']}", "{criteria: ['<10']}", true),
        ("{criteria: ['<10']}", "{criteria: ['<=10']}", false),
        ("{criteria: ['<=10']}", "{criteria: ['<10']}", true),
        ("{criteria: ['>10']}", "{criteria: ['>5']}", false),
        ("{criteria: ['>10']}", "{criteria: ['>=15']}", true),
        ("{criteria: ['<+10%']}", "{criteria: ['<+5%']}", true),
        ("{criteria: ['<-10%']}", "{criteria: ['<+10%']}", false),
        ("{criteria: ['<10']}", "{criteria: ['<+5%']}", false),
        ("{criteria: ['<10', '<+5%']}", "{criteria: ['<5']}", false),
        ("{criteria: ['<10', '<+5%']}", "{criteria: ['<5', '<+5%']}", true),
        ("{criteria: ['<10']}, {criteria: ['>90']}", "{criteria: ['>95']}", true),
        ("{criteria: ['<10']}", "{criteria: ['<5']}, {criteria: ['<20']}", false),
        ("{criteria: ['<10']}", "{criteria: ['=10']}", false),
        ("{criteria: ['<10']}", "{criteria: ['=9']}", true),
    ] {
        assert_eq!(said(pass, warning), never, "{pass} {warning}");
    }
}

#[test]
fn objectives_that_count_otherwise_than_they_seem_are_told() {
    let pass = "pass: [{criteria: [<1]}]";
    for (lines, says) in [
        ("- {sli: a, weight: 0, PASS}\n", "2:20: weight 0 counts as 1"),
        ("- {sli: a, weight: 2.7, PASS}\n", "2:20: weight 2.7 counts as 2; write a whole number"),
        ("- {sli: a, weight: 010, PASS}\n", "2:20: weight 010 counts as 8; write 8"),
        ("- {sli: a, weight: -1, PASS}\n", "2:20: a weight below 0"),
        ("- {sli: a, wieght: 2, PASS}\n", "2:12: unknown key `wieght`; did you mean `weight`?"),
        ("- {PASS}\n", "2:3: an objective without sli judges nothing"),
        ("- {sli: a, PASS}\n- ~\n", "3:3: an objective that is null is passed over"),
        (
            "- {sli: a, PASS}\n- {sli: a, PASS}\n",
            "3:3: `a` is judged in line 2 already, and one value feeds one objective: this one has none unless the \
             provider answers twice",
        ),
        (
            "- {sli: a, PASS}\n- {sli: b, key_sli: true}\n",
            "3:21: key_sli has no effect without pass",
        ),
        (
            "- {sli: a}\n",
            "2:3: no objective has pass criteria, so whatever is measured passes with 100, and it fails only \
             where the provider does",
        ),
        (
            "- {sli: a, pass: [{criteria: [<1, ~]}]}\n",
            "2:35: a criterion that is null is passed over",
        ),
        ("- {sli: a, pass: [{criteria: [<1], criterion: x}]}\n", "2:36: unknown key `criterion`"),
        ("[]\n", "1:13: without objectives every evaluation fails"),
    ] {
        let said = if lines == "[]\n" {
            found("objectives: []\ntotal_score: {pass: 90%}\n")
        } else {
            objective(&lines.replace("PASS", pass))
        };
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        assert!(said[0].starts_with(says), "{lines}: {said:?}");
    }
}

#[test]
fn weights_that_cancel_and_criteria_that_are_none_are_told() {
    let said = objective(
        "- {sli: a, weight: 2, pass: [{criteria: [<1]}]}\n- {sli: b, weight: -2, pass: [{criteria: [<1]}]}\n",
    );
    assert!(said.iter().any(|said| said.contains("the weights add up to 0")), "{said:?}");
    let said = objective("- {sli: a, pass: [{criteria: []}]}\n");
    assert!(said[0].contains("its weight is never scored"), "{said:?}");
    assert!(said[1].contains("no criteria are always met"), "{said:?}");
}

#[test]
fn a_total_that_nothing_or_everything_reaches_is_told() {
    for (total, says) in [
        ("total_score: {pass: 110%}", "2:21: no score reaches 110; write at most 100%"),
        ("total_score: {pass: inf}", "2:21: no score reaches +Inf"),
        ("total_score: {pass: 0%}", "2:21: every score reaches this"),
        ("total_score: {pass: 80%, warning: 90%}", "2:35: no score is a warning"),
        ("total_score: {pass: 80%, warning: nan}", "2:35: no score is a warning"),
        ("total_score: {pass: 9 0}", "2:21: could not parse pass target percentage, so every"),
        (
            "total_score: {pass: 90, warning: ninety}",
            "2:34: could not parse warning target percentage",
        ),
        (
            "total_score: {warning: 9}",
            "2:14: no target score defined, so every evaluation ends errored",
        ),
        ("total_score: {pass: 90, warn: 80}", "2:25: unknown key `warn`"),
        ("totalscore: {pass: 90}", "1:1: no target score defined"),
        ("total_score: {pass: 90}\n---\nobjectives: []", "3:1: only the first document counts"),
    ] {
        let text = format!("objectives: [{{sli: a, pass: [{{criteria: [<1]}}]}}]\n{total}\n");
        let said = found(&text);
        assert!(said.first().is_some_and(|said| said.starts_with(says)), "{total}: {said:?}");
    }
}

#[test]
fn an_empty_file_is_none_and_one_of_comments_is_one() {
    let said = found("");
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("1:1: an empty file counts as none"), "{said:?}");
    let said = found("# nothing\n");
    assert!(said.iter().any(|said| said.contains("every evaluation ends errored")), "{said:?}");
}
