//! Operations: their successes and bodies.

use super::{Context, Finding, Rule};
use openapi_tools::value::entries;
use openapi_tools::walk::Kind;

pub(super) const RULES: &[Rule] = &[success_is_200];
pub(super) const OF_THE_SERVICE: &[Rule] = &[one_media_type];

fn success_is_200(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for operation in context.document.operations() {
        let place = format!("{}/responses", operation.pointer());
        if operation.responses().all(|(status, _)| status != "200") {
            findings.push(Finding::new(&place, "there is no 200", "describe the success as 200"));
        }
        for (status, _) in operation.responses() {
            if status != "200" && !matches!(status.as_bytes().first(), Some(b'4' | b'5' | b'd')) {
                findings.push(Finding::new(
                    format!("{place}/{status}"),
                    format!("{status} is a second success or not an error"),
                    "describe success only as 200",
                ));
            }
        }
    }
    findings
}

fn one_media_type(context: &Context<'_>) -> Vec<Finding> {
    context
        .each(Kind::Response)
        .chain(context.each(Kind::RequestBody))
        .filter_map(|node| {
            let count = entries(node.value.get("content")).count();
            let problem = format!("there are {count} media types");
            (count != 1).then(|| Finding::new(node.key("content"), problem, "describe exactly one"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::broken;

    #[test]
    fn success_has_one_status() {
        let findings = broken(
            "        '200':\n          description: The title was set.",
            "        '202':\n          description: The title was set.",
        );
        assert!(findings.iter().any(|line| line.contains("there is no 200")), "{findings:?}");
        assert!(findings.iter().any(|line| line.contains("202 is a second success")), "{findings:?}");
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
