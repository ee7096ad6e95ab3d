use super::*;
use crate::dice::Dice;
use crate::quality::{IndicatorResult, SliResult};

/// An evaluation that measured these.
fn past(result: TaskResult, values: &[(&str, f64)]) -> Past {
    let indicator = |(metric, value): &(&str, f64)| IndicatorResult {
        value: Some(SliResult {
            metric: (*metric).to_owned(),
            value: *value,
            success: true,
            ..SliResult::default()
        }),
        ..IndicatorResult::default()
    };
    Past {
        id: String::new(),
        result,
        score: 0.0,
        invalidated: false,
        message: String::new(),
        indicators: values.iter().map(indicator).collect(),
    }
}

/// As many that passed, each with its number as the value of every indicator.
fn passed(count: i32, names: &[&str]) -> Vec<Past> {
    let values = |n: i32| names.iter().map(|name| (*name, f64::from(n))).collect::<Vec<_>>();
    (1..=count).map(|n| past(TaskResult::Pass, &values(n))).collect()
}

/// What is proposed: the criteria, and the lines that are new.
fn proposed(text: &str, history: &[Past]) -> (Vec<String>, Vec<String>) {
    let Suggested { suggestions, text: after } = suggest(text, history).unwrap();
    let criteria = suggestions.iter().map(|one| format!("{}{}", one.sli, one.criterion)).collect();
    let mut old = text.lines().peekable();
    let new = after.lines().filter(|line| old.next_if_eq(line).is_none()).map(str::to_owned);
    let new = new.collect();
    assert_eq!(old.next(), None, "nothing that was there is gone: {after}");
    (criteria, new)
}

const SLO: &str = "\
# The gate of carts
objectives:
  - sli: slow # p95
    displayName: Response time
    # as before
    pass:
      - criteria:
          - '<=+10%' # about
  - sli: informs

  - sli: bounded
    pass: [{criteria: ['<600']}]

# The total
total_score:
  pass: 90%
";

#[test]
fn a_bound_comes_on_top_of_what_is_compared_and_all_else_stays() {
    let history = passed(40, &["slow", "informs", "bounded", "new"]);
    let (criteria, lines) = proposed(SLO, &history);
    assert_eq!(criteria, ["slow<=40", "informs<=40", "new<=40"]);
    assert_eq!(
        lines,
        [
            "          - '<=40'",
            "    pass:",
            "      - criteria:",
            "          - '<=40'",
            "  - sli: new",
            "    pass:",
            "      - criteria:",
            "          - '<=40'",
        ]
    );
    let after = suggest(SLO, &history).unwrap().text;
    assert!(after.contains("          - '<=40'\n          - '<=+10%' # about\n"), "{after}");
    assert!(after.contains("  - sli: informs\n    pass:\n"), "{after}");
    assert!(after.contains("- '<=40'\n\n# The total\n"), "{after}");
    assert_eq!(suggest(&after, &history).unwrap().text, after, "nothing is left to propose");
}

#[test]
fn what_is_in_brackets_is_lengthened_where_it_stands() {
    let slo = "objectives: [{sli: slow, pass: [{criteria: ['<=+10%']}]}, {sli: informs}]\n\
               total_score: {pass: 90%}\n";
    let after = suggest(slo, &passed(40, &["slow", "informs", "new"])).unwrap();
    assert!(after.suggestions.iter().all(|one| one.written), "{after:?}");
    assert_eq!(
        after.text,
        "objectives: [{sli: new, pass: [{criteria: ['<=40']}]}, \
         {sli: slow, pass: [{criteria: ['<=40', '<=+10%']}]}, \
         {pass: [{criteria: ['<=40']}], sli: informs}]\ntotal_score: {pass: 90%}\n"
    );
}

#[test]
fn where_a_file_cannot_be_lengthened_safely_it_is_said_and_left() {
    for slo in [
        // One list for two objectives.
        "objectives:\n  - {sli: other, pass: &p [{criteria: ['<=+10%']}]}\n  - {sli: slow, pass: *p}\n",
        // Nothing to go before.
        "objectives:\n  - {sli: slow, pass: [{criteria: []}]}\n",
        "objectives:\n  - {sli: slow, pass: []}\n",
        "objectives:\n  - sli: >-\n      slow\n",
    ] {
        let slo = format!("{slo}total_score: {{pass: 90%}}\n");
        let after = suggest(&slo, &passed(40, &["slow"])).unwrap();
        assert_eq!(after.text, slo);
        assert!(after.suggestions.iter().all(|one| !one.written), "{after:?}");
    }
    let empty = "objectives: []\ntotal_score: {pass: 90%}\n";
    assert_eq!(suggest(empty, &passed(40, &["slow"])).unwrap().text, empty);
    let (_, lines) = proposed("total_score: {pass: 90%}", &passed(40, &["slow"]));
    assert_eq!(lines[0], "objectives:");
}

#[test]
fn lines_end_as_they_do_in_the_file() {
    let slo = "objectives:\r\n- sli: slow\r\ntotal_score:\r\n  pass: 90%";
    let after = suggest(slo, &passed(40, &["slow", "new: \u{1b}"])).unwrap().text;
    assert_eq!(
        after,
        "objectives:\r\n- sli: slow\r\n  pass:\r\n    - criteria:\r\n        - '<=40'\r\n\
         - sli: \"new: \\u001b\"\r\n  pass:\r\n    - criteria:\r\n        - '<=40'\r\n\
         total_score:\r\n  pass: 90%"
    );
}

#[test]
fn nothing_is_proposed_of_what_is_hardly_known() {
    assert_eq!(proposed(SLO, &passed(19, &["slow"])).0, [""; 0]);
    assert_eq!(proposed(SLO, &passed(20, &["slow"])).0, ["slow<=20"]);
    let mut history = passed(20, &["slow"]);
    history[3].invalidated = true;
    assert_eq!(proposed(SLO, &history).0, [""; 0], "one of them proves nothing");
    let mut history = passed(20, &["slow"]);
    history[3].indicators[0].value.as_mut().unwrap().success = false;
    assert_eq!(proposed(SLO, &history).0, [""; 0], "one of them measured nothing");
    let below: Vec<_> = (0..40).map(|_| past(TaskResult::Pass, &[("slow", -1.0)])).collect();
    assert_eq!(proposed(SLO, &below).0, [""; 0], "there is no fixed criterion below zero");
}

#[test]
fn the_side_of_a_bound_is_what_the_file_says_or_the_name() {
    let slo = "objectives:\n  - {sli: slow, pass: [{criteria: ['>=-10%']}]}\n\
               total_score: {pass: 90%}\n";
    let found = suggest(slo, &passed(200, &["slow", "HTTP_throughput", "errors"])).unwrap();
    let said = |one: &Suggestion| (one.sli.clone(), one.criterion.clone(), one.because);
    assert_eq!(
        found.suggestions.iter().map(said).collect::<Vec<_>>(),
        [
            ("slow".to_owned(), ">=2".to_owned(), Because::Criteria),
            ("HTTP_throughput".to_owned(), ">=2".to_owned(), Because::Name),
            ("errors".to_owned(), "<=200".to_owned(), Because::Nothing),
        ]
    );
}

#[test]
fn false_alarms_and_what_would_have_been_caught_are_counted() {
    let mut history = passed(1000, &["slow"]);
    for value in [5.0, 995.0, 5000.0] {
        history.push(past(TaskResult::Fail, &[("slow", value)]));
        history.push(past(TaskResult::Warning, &[("slow", value)]));
    }
    let found = suggest(SLO, &history).unwrap().suggestions;
    assert_eq!((found[0].criterion.as_str(), found[0].passed), ("<=1000", 1000));
    assert_eq!((found[0].false_alarms, found[0].failed, found[0].caught), (0, 3, 1));
    let even: Vec<Past> = (1..=100)
        .map(|n| past(TaskResult::Pass, &[("slow", if n > 97 { 900.0 } else { 10.0 })]))
        .chain((1..=900).map(|_| past(TaskResult::Pass, &[("slow", 10.0)])))
        .collect();
    let found = suggest(SLO, &even).unwrap().suggestions;
    assert_eq!((found[0].criterion.as_str(), found[0].false_alarms), ("<=10", 3));
    assert!((found[0].false_alarm_percent() - 0.3).abs() < 1e-9);
}

#[test]
fn a_proposal_keeps_its_word_on_random_histories() {
    let mut dice = Dice::new(11);
    for _ in 0..200 {
        let history: Vec<Past> = (0..dice.below(120))
            .map(|_| {
                #[allow(clippy::cast_precision_loss, reason = "small numbers")]
                let value = dice.below(10_000) as f64 / 7.0;
                past(TaskResult::Pass, &[("slow", value), ("informs", value / 1000.0)])
            })
            .collect();
        let found = suggest(SLO, &history).unwrap();
        for one in &found.suggestions {
            assert!(one.false_alarm_percent() <= 2.0, "{one:?}");
            assert!(one.written, "{one:?}");
        }
        let slo = Slo::parse(&found.text).unwrap();
        assert_eq!(slo.objectives.len(), 3, "nothing is new");
    }
}
