//! The data of an event as a tree that can be folded.

use serde_json::Value;

use super::text::Text;

/// Most nodes of one tree; what comes after them is one link away.
const NODES_MAX: usize = 2000;
/// Levels that are unfolded at first.
const UNFOLDED: usize = 2;

/// A step through a tree. A template cannot call itself, so a tree comes as what is met on the way
/// through it: each `Open` has its `Close`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Something with parts.
    Open {
        key: Text,
        /// Such as `{3}` or `[12]`.
        size: String,
        unfolded: bool,
    },
    /// The end of its parts.
    Close,
    /// Something without parts.
    Leaf {
        key: Text,
        value: Text,
        /// Whether it is a text, which people read; the rest is for programs.
        is_text: bool,
    },
    /// The tree goes on.
    Cut,
}

/// The parts of a value; the value itself is the whole payload and needs no line.
pub(crate) fn tree(value: &Value) -> Vec<Node> {
    let mut nodes = Vec::new();
    parts(value, 0, &mut nodes);
    nodes
}

/// The depth is bounded by the parser of events.
fn parts(value: &Value, depth: usize, nodes: &mut Vec<Node>) {
    let mut each = |key: Text, value: &Value| {
        if nodes.len() >= NODES_MAX {
            if nodes.last() != Some(&Node::Cut) {
                nodes.push(Node::Cut);
            }
            return;
        }
        let size = match value {
            Value::Object(fields) if !fields.is_empty() => format!("{{{}}}", fields.len()),
            Value::Array(items) if !items.is_empty() => format!("[{}]", items.len()),
            Value::String(text) => {
                nodes.push(Node::Leaf { key, value: Text::block(text), is_text: true });
                return;
            }
            other => {
                let value = Text::line(other.to_string());
                nodes.push(Node::Leaf { key, value, is_text: false });
                return;
            }
        };
        nodes.push(Node::Open { key, size, unfolded: depth < UNFOLDED });
        parts(value, depth + 1, nodes);
        nodes.push(Node::Close);
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| each(Text::line(key), value));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, value)| each(Text::line(at.to_string()), value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outline(value: &Value) -> String {
        let step = |node: &Node| match node {
            Node::Open { key, size, unfolded } => {
                format!("{key}{size}{}", if *unfolded { "(" } else { "<" })
            }
            Node::Close => ")".to_owned(),
            Node::Leaf { key, value, is_text } => {
                format!("{key}:{value}{}", if *is_text { "'" } else { "" })
            }
            Node::Cut => "…".to_owned(),
        };
        tree(value).iter().map(step).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_tree_tells_what_has_parts_and_closes_what_it_opens() {
        let value = json!({"a": "x", "b": {"c": [1, "1", null], "d": {}}, "e": []});
        assert_eq!(outline(&value), "a:x' b{2}( c[3]( 0:1 1:1' 2:null ) d:{} ) e:[]");
        assert_eq!(outline(&json!({"a": {"b": {"c": {"d": 1}}}})), "a{1}( b{1}( c{1}< d:1 ) ) )");
    }

    #[test]
    fn a_tree_is_cut_and_stays_balanced() {
        let many: Vec<u32> = (0..5000).collect();
        let nodes = tree(&json!({"a": [many.clone(), many]}));
        assert!(nodes.len() < NODES_MAX + 10, "{}", nodes.len());
        let open = nodes.iter().filter(|node| matches!(node, Node::Open { .. })).count();
        let close = nodes.iter().filter(|node| **node == Node::Close).count();
        assert_eq!(open, close);
        assert!(nodes.contains(&Node::Cut));
    }
}
