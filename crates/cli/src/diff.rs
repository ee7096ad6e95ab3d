//! What is different in a text, in the form that `patch` and `git apply` take.

/// Lines that are shown before and behind what is new.
const CONTEXT: usize = 3;
/// Most pairs of lines that are compared; where there are more, all that differs is shown as one piece.
const PAIRS_MAX: usize = 4_000_000;

/// The unified diff of two texts; empty where they are the same.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let steps = steps(&old, &new);
    if steps.iter().all(|step| matches!(step, Step::Same(_))) {
        return String::new();
    }
    let mut diff = format!("--- a/{name}\n+++ b/{name}\n");
    for hunk in hunks(&steps) {
        diff.push_str(&told(&steps, hunk));
    }
    diff
}

/// One line of the diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// What becomes of each line. What is common at both ends is passed over.
fn steps<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Step<'a>> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let backwards = old_rest.iter().rev().zip(new_rest.iter().rev());
    let tail = backwards.take_while(|(old, new)| old == new).count();
    let (left, right) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut steps: Vec<Step<'_>> = old[..head].iter().map(|line| Step::Same(line)).collect();
    if left.len().saturating_mul(right.len()) > PAIRS_MAX {
        steps.extend(left.iter().map(|line| Step::Old(line)));
        steps.extend(right.iter().map(|line| Step::New(line)));
    } else {
        compare(left, right, &mut steps);
    }
    steps.extend(old_rest[old_rest.len() - tail..].iter().map(|line| Step::Same(line)));
    steps
}

fn compare<'a>(left: &[&'a str], right: &[&'a str], steps: &mut Vec<Step<'a>>) {
    let common = common(left, right);
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if i < left.len() && j < right.len() && left[i] == right[j] {
            steps.push(Step::Same(left[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == right.len() || i < left.len() && common[i + 1][j] >= common[i][j + 1] {
            steps.push(Step::Old(left[i]));
            i += 1;
        } else {
            steps.push(Step::New(right[j]));
            j += 1;
        }
    }
}

/// How many lines are common to the ends from each place on.
fn common(left: &[&str], right: &[&str]) -> Vec<Vec<u32>> {
    let mut common = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = match left[i] == right[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    common
}

/// Which steps are shown together: what differs, with its surroundings.
fn hunks(steps: &[Step<'_>]) -> Vec<std::ops::Range<usize>> {
    let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
    let changes = steps.iter().enumerate().filter(|(_, step)| !matches!(step, Step::Same(_)));
    for (index, _) in changes {
        let (begin, end) = (index.saturating_sub(CONTEXT), (index + CONTEXT + 1).min(steps.len()));
        match hunks.last_mut().filter(|last| begin <= last.end) {
            Some(last) => last.end = end,
            None => hunks.push(begin..end),
        }
    }
    hunks
}

fn told(steps: &[Step<'_>], hunk: std::ops::Range<usize>) -> String {
    let count = |steps: &[Step<'_>], not: fn(&Step<'_>) -> bool| {
        steps.iter().filter(|step| !not(step)).count()
    };
    let is_new: fn(&Step<'_>) -> bool = |step| matches!(step, Step::New(_));
    let is_old: fn(&Step<'_>) -> bool = |step| matches!(step, Step::Old(_));
    let (before, shown) = (&steps[..hunk.start], &steps[hunk]);
    let place = |not| {
        let (begin, length) = (count(before, not), count(shown, not));
        // A place without lines is told by the line before it.
        format!("{},{length}", if length == 0 { begin } else { begin + 1 })
    };
    let mut text = format!("@@ -{} +{} @@\n", place(is_new), place(is_old));
    for step in shown {
        let (sign, line) = match step {
            Step::Same(line) => (' ', line),
            Step::Old(line) => ('-', line),
            Step::New(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_shown_with_its_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\n5\nnew\n6\n7\n8\n9\nlast\n";
        assert_eq!(
            unified("slo.yaml", old, new),
            "--- a/slo.yaml\n+++ b/slo.yaml\n@@ -3,7 +3,9 @@\n 3\n 4\n 5\n+new\n 6\n 7\n 8\n 9\n+last\n"
        );
        assert_eq!(unified("slo.yaml", old, old), "");
        assert_eq!(unified("x", "", "a\n"), "--- a/x\n+++ b/x\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(
            unified("x", "a\nb", "a\nc\n"),
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
        );
    }

    #[test]
    fn what_is_far_apart_is_shown_apart() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n3\n", "\n3\nx\n").replace("\n25\n", "\n25!\n");
        let diff = unified("x", &old, &new);
        let places: Vec<&str> = diff.lines().filter(|line| line.starts_with("@@")).collect();
        assert_eq!(places, ["@@ -2,6 +2,7 @@", "@@ -23,7 +24,7 @@"]);
    }

    #[test]
    fn what_is_too_much_to_compare_is_one_piece() {
        let old: String = (0..3000).map(|n| format!("old {n}\n")).collect();
        let new: String = (0..3000).map(|n| format!("new {n}\n")).collect();
        let diff = unified("x", &format!("a\n{old}b\n"), &format!("a\n{new}b\n"));
        assert!(diff.contains("@@ -1,3002 +1,3002 @@\n a\n-old 0\n-old 1\n"), "{}", &diff[..80]);
    }

    #[test]
    fn patch_makes_the_new_text_of_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let (file, patch) = (directory.path().join("x"), directory.path().join("patch"));
        let lines: Vec<String> = (0..60).map(|n| format!("line {}\n", n % 7)).collect();
        let old = lines.concat();
        for seed in 0..20_usize {
            let mut new = Vec::new();
            for (n, line) in lines.iter().enumerate() {
                if (n * 31 + seed * 17) % 11 == 0 {
                    new.push(format!("new {n}\n"));
                }
                if (n * 13 + seed) % 29 != 0 {
                    new.push(line.clone());
                }
            }
            let new = new.concat();
            std::fs::write(&file, &old).unwrap();
            std::fs::write(&patch, unified("x", &old, &new)).unwrap();
            let mut git = std::process::Command::new("git");
            let output = git.current_dir(directory.path()).arg("apply").arg(&patch).output();
            let output = output.expect("git is there");
            assert!(output.status.success(), "{seed}: {output:?}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), new, "{seed}");
        }
    }
}
