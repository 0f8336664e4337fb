//! Operations: their names, tags, successes and bodies.

use std::collections::HashMap;

use serde_json::Value;

use super::walk;
use super::{Document, Finding, Rule};
use crate::contract::{Operation, entries};

pub(super) const RULES: &[Rule] =
    &[operation_ids, one_known_tag_each, unused_tags, success_is_200, bodies_that_get_lost, one_media_type];

fn operation_ids(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first_with: HashMap<&str, String> = HashMap::new();
    for operation in document.contract.operations() {
        let pointer = operation.pointer();
        let Some(id) = operation.id() else {
            let problem = "there is no operationId, without which the generator stops";
            findings.push(Finding::new(pointer, problem, "add one such as video_get"));
            continue;
        };
        let place = format!("{pointer}/operationId");
        if !is_id(id) {
            let problem = format!("`{id}` is not `video_` and words in snake_case");
            findings.push(Finding::new(place.clone(), problem, "rename it before the first release"));
        }
        if let Some(first) = first_with.insert(id, super::words(&pointer)) {
            findings.push(Finding::new(
                place,
                format!("`{id}` is the id of {first} too"),
                "give each its own",
            ));
        }
    }
    findings
}

fn is_id(id: &str) -> bool {
    let snake =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    id.strip_prefix("video_").is_some_and(|rest| rest.split('_').all(snake))
}

fn known_tags<'a>(document: &'a Document<'_>) -> impl Iterator<Item = &'a str> {
    let tags = document.contract.value.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.get("name")?.as_str())
}

fn tags_of<'a>(operation: &Operation<'a>) -> Vec<&'a str> {
    let tags = operation.value.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).collect()
}

fn one_known_tag_each(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in document.contract.operations() {
        let place = format!("{}/tags", operation.pointer());
        match tags_of(&operation).as_slice() {
            [tag] if known_tags(document).any(|known| known == *tag) => {}
            [tag] => {
                let problem = format!("the tag `{tag}` is not in the document's `tags`");
                findings.push(Finding::new(place, problem, "describe it there or use one that is"));
            }
            tags => {
                let problem = format!("the operation has {} tags", tags.len());
                findings.push(Finding::new(place, problem, "give it exactly one"));
            }
        }
    }
    findings
}

fn unused_tags(document: &Document<'_>) -> Vec<Finding> {
    let used: Vec<&str> = document.contract.operations().flat_map(|operation| tags_of(&operation)).collect();
    known_tags(document)
        .enumerate()
        .filter(|(_, tag)| !used.contains(tag))
        .map(|(index, tag)| {
            Finding::new(format!("/tags/{index}"), format!("no operation has the tag `{tag}`"), "remove it")
        })
        .collect()
}

fn success_is_200(document: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in document.contract.operations() {
        let place = format!("{}/responses", operation.pointer());
        if operation.responses().all(|(status, _)| status != "200") {
            findings.push(Finding::new(&place, "there is no 200", "describe the success as 200"));
        }
        for (status, _) in operation.responses() {
            if status != "200" && !matches!(status.as_bytes().first(), Some(b'4' | b'5' | b'd')) {
                let problem = format!("{status} is a second way to succeed or no error");
                findings.push(Finding::new(
                    format!("{place}/{status}"),
                    problem,
                    "describe the success as 200 alone",
                ));
            }
        }
    }
    findings
}

fn bodies_that_get_lost(document: &Document<'_>) -> Vec<Finding> {
    document
        .contract
        .operations()
        .filter(|operation| matches!(operation.method, "delete" | "get" | "head"))
        .filter(|operation| operation.value.get("requestBody").is_some())
        .map(|operation| {
            let problem = format!("many clients drop the body of a {}", operation.method.to_uppercase());
            let place = format!("{}/requestBody", operation.pointer());
            Finding::new(place, problem, "move its fields to parameters or headers")
        })
        .collect()
}

fn one_media_type(document: &Document<'_>) -> Vec<Finding> {
    let contract = document.contract;
    walk::responses(contract)
        .into_iter()
        .chain(walk::request_bodies(contract))
        .filter_map(|(pointer, holder)| {
            let count = entries(holder.get("content")).count();
            let problem = format!("there are {count} media types");
            (count != 1).then(|| Finding::new(format!("{pointer}/content"), problem, "describe exactly one"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{broken, only};

    #[test]
    fn an_operation_needs_an_id() {
        let finding = only("      operationId: video_clip_rename\n", "");
        assert!(finding.contains("there is no operationId, without which the generator stops"), "{finding}");
    }

    #[test]
    fn an_id_is_snake_case_behind_its_prefix() {
        for wrong in ["video_clipRename", "clip_rename", "video_", "video__clip"] {
            let finding = only("operationId: video_clip_rename", &format!("operationId: {wrong}"));
            assert!(
                finding.contains(&format!("`{wrong}` is not `video_` and words in snake_case")),
                "{finding}"
            );
        }
    }

    #[test]
    fn two_operations_cannot_share_an_id() {
        let finding = only("operationId: video_clip_rename", "operationId: video_clip_get");
        assert!(finding.contains("`video_clip_get` is the id of GET /v1/clips/{id} too"), "{finding}");
    }

    #[test]
    fn an_operation_has_one_tag_and_it_is_known() {
        let findings = broken("      tags: [titles]\n", "      tags: [titels]\n");
        assert!(findings.iter().any(|line| line.contains("the tag `titels` is not in")), "{findings:?}");
        assert!(
            findings.iter().any(|line| line.contains("no operation has the tag `titles`")),
            "{findings:?}"
        );
        let finding = only("      tags: [titles]\n", "      tags: [titles, clips]\n");
        assert!(finding.contains("the operation has 2 tags; give it exactly one"), "{finding}");
    }

    #[test]
    fn success_has_one_status() {
        let findings = broken(
            "        '200':\n          description: The title was set.",
            "        '202':\n          description: The title was set.",
        );
        assert!(findings.iter().any(|line| line.contains("there is no 200")), "{findings:?}");
        assert!(findings.iter().any(|line| line.contains("202 is a second way to succeed")), "{findings:?}");
    }

    #[test]
    fn a_body_on_delete_is_reported() {
        let finding = only("  /v1/clips/{id}/title:\n    post:", "  /v1/clips/{id}/title:\n    delete:");
        assert!(finding.contains("many clients drop the body of a DELETE"), "{finding}");
    }

    #[test]
    fn a_second_media_type_is_reported() {
        let findings = broken(
            "      description: The request cannot be read.\n      content:\n",
            "      description: The request cannot be read.\n      content:\n        text/plain: {}\n",
        );
        assert!(
            findings.iter().any(|line| line.contains("there are 2 media types; describe exactly one")),
            "{findings:?}"
        );
    }
}
