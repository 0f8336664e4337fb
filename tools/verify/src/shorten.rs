//! Shortens the lists of a recording: jobs that differ in nothing but their values say the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The first items of a list, which are kept.
const ITEMS: usize = 5;

/// A list as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortened {
    /// The number of its items.
    pub length: usize,
    /// The ids of its jobs in their order, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ids: String,
}

/// Keeps the first items of each list, and every later one that is of another kind. Returns what the lists were, by their JSON pointers.
pub(crate) fn shorten(value: &mut Value) -> BTreeMap<String, Shortened> {
    let mut lists = BTreeMap::new();
    shorten_at("", value, &mut lists);
    lists
}

fn shorten_at(pointer: &str, value: &mut Value, lists: &mut BTreeMap<String, Shortened>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                shorten_at(&format!("{pointer}/{}", openapi_tools::value::escape(name)), value, lists);
            }
        }
        Value::Array(items) => {
            let ids: Vec<_> = items.iter().filter_map(id).collect();
            let before = Shortened { length: items.len(), ids: ids.join(" ") };
            let mut kinds = BTreeSet::new();
            let mut index = 0;
            items.retain(|item| {
                index += 1;
                kinds.insert(kind(item)) || index <= ITEMS
            });
            if items.len() < before.length {
                lists.insert(pointer.to_owned(), before);
            }
            for (index, item) in items.iter_mut().enumerate() {
                shorten_at(&format!("{pointer}/{index}"), item, lists);
            }
        }
        _ => {}
    }
}

/// The text of an item without its digits: placeholders, times and amounts of one form are of one kind.
fn kind(item: &Value) -> String {
    let mut kind = String::new();
    for c in item.to_string().chars() {
        match c {
            '0'..='9' if kind.ends_with('0') => {}
            '0'..='9' => kind.push('0'),
            c => kind.push(c),
        }
    }
    kind
}

fn id(item: &Value) -> Option<String> {
    match item.get("job_id").or(item.get("id"))? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_that_say_the_same_are_left_out_and_their_number_and_ids_stay() {
        let job = |number: usize| json!({"job_id": format!("job-{number}"), "cost_usd": 0.1 * number as f64});
        let mut jobs: Vec<_> = (1..=50).map(job).collect();
        jobs[30]["cost_usd"] = json!("0.1");
        let mut page = json!({"data": {"items": jobs, "vendors": ["a", "b"]}});
        let lists = shorten(&mut page);
        let kept: Vec<_> = page["data"]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["job_id"].as_str().unwrap())
            .collect();
        assert_eq!(kept, ["job-1", "job-2", "job-3", "job-4", "job-5", "job-31"]);
        assert_eq!(lists.keys().collect::<Vec<_>>(), ["/data/items"]);
        let list = &lists["/data/items"];
        assert_eq!((list.length, list.ids.split(' ').count()), (50, 50));
        assert!(list.ids.starts_with("job-1 job-2 ") && list.ids.ends_with(" job-50"), "{}", list.ids);
    }

    #[test]
    fn a_short_list_and_one_of_different_items_stay() {
        for list in [json!([1, 2, 3, 4, 5]), json!(["a", "b", "c", "d", "e", "f", "g", 1, -1, 1.5])] {
            let mut value = list.clone();
            assert!(shorten(&mut value).is_empty());
            assert_eq!(value, list);
        }
    }
}
