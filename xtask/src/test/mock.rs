//! Prism, a mock server, answers from the contract with the examples that its readers see first.

use std::io;

use serde_json::Value;

use super::{Child, Context, Outcome};
use crate::contract::{Contract, DOCUMENT, entries};
use crate::fixtures::{Fixtures, fixtures};
use crate::tools::prism::Prism;

/// Sends the golden request of the first example of each status of each operation, and compares the response with the example.
pub(super) fn run(context: &mut Context<'_>) -> io::Result<Outcome> {
    let contract = Contract::load(&context.root.join(DOCUMENT)).map_err(io::Error::other)?;
    let operations = fixtures(&contract).map_err(io::Error::other)?;
    let prism = match Prism::start(context.root) {
        Ok(prism) => prism,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let mut problems = Vec::new();
    let mut compared = 0;
    for fixtures in &operations {
        for (index, case) in first_of_each_status(fixtures).into_iter().enumerate() {
            // Without `Prefer` it is the default, which is what a stranger sees.
            match ask(context, &prism.base_url, case, index > 0) {
                Ok(response) => problems.extend(difference(&fixtures.operation, case, &response)),
                Err(why) => return Ok(Outcome::Failed(why)),
            }
            compared += 1;
        }
    }
    for problem in &problems {
        writeln!(context.out, "{problem}")?;
    }
    Ok(match problems.len() {
        0 if compared > 0 => Outcome::Passed,
        0 => Outcome::Failed("there is no example to compare with".to_owned()),
        count => {
            Outcome::Failed(format!("{count} of {compared} responses of Prism are not the first example"))
        }
    })
}

/// The first case of each status; that of the success comes first.
fn first_of_each_status(fixtures: &Fixtures) -> Vec<&Value> {
    let mut first: Vec<&Value> = Vec::new();
    for case in &fixtures.cases {
        if first.iter().all(|known| status(known) != status(case)) {
            first.push(case);
        }
    }
    first
}

fn status(case: &Value) -> u64 {
    case["response"]["status"].as_u64().unwrap_or_default()
}

/// What the server answers to the request of a case: the body, and the status in the last line.
fn ask(context: &Context<'_>, base_url: &str, case: &Value, prefer: bool) -> Result<String, String> {
    let request = &case["request"];
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let query: Vec<String> =
        entries(request.get("query")).map(|(name, value)| format!("{name}={}", text(value))).collect();
    let url = format!("{base_url}{}?{}", text(&request["path"]), query.join("&"));
    let mut curl = Child::new("curl", context.root)
        .arguments("--silent --show-error --noproxy * --write-out \\n%{http_code} --request")
        .argument(text(&request["method"]));
    for (name, value) in entries(request.get("headers")) {
        curl = curl.arguments("--header").argument(format!("{name}: {}", text(value)));
    }
    if prefer {
        curl = curl.arguments("--header").argument(format!("Prefer: code={}", status(case)));
    }
    if let Some(body) = request.get("body") {
        curl = curl.arguments("--data-binary").argument(body.to_string());
    }
    let output = curl.argument(url).named("curl").output()?;
    String::from_utf8(output).map_err(|error| format!("prism answers no text: {error}"))
}

/// One line where a response is not the one of the case.
fn difference(operation: &str, case: &Value, response: &str) -> Option<String> {
    let (body, code) = response.rsplit_once('\n').unwrap_or(("", response));
    let wanted = &case["response"];
    let same = code.parse() == Ok(wanted["status"].as_u64().unwrap_or_default())
        && serde_json::from_str::<Value>(body).is_ok_and(|body| body == wanted["body"]);
    let name = case["name"].as_str().unwrap_or_default();
    (!same).then(|| format!("{operation}, example {name}: Prism answers {code} with {body}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(name: &str, status: u16) -> Value {
        json!({"name": name, "response": {"status": status, "body": {"ok": status < 300, "name": name}}})
    }

    #[test]
    fn each_status_is_compared_once_with_its_first_example() {
        let cases = vec![case("running", 200), case("failed", 200), case("404_a", 404), case("404_b", 404)];
        let fixtures = Fixtures { operation: "video_status".to_owned(), cases };
        let names: Vec<_> = first_of_each_status(&fixtures).iter().map(|case| &case["name"]).collect();
        assert_eq!(names, ["running", "404_a"]);
    }

    #[test]
    fn another_example_and_another_status_are_noticed() {
        let running = case("running", 200);
        let right = format!("{}\n200", running["response"]["body"]);
        assert_eq!(difference("video_status", &running, &right), None);
        for wrong in
            [format!("{}\n200", case("failed", 200)["response"]["body"]), right.replace("\n200", "\n201")]
        {
            let line = difference("video_status", &running, &wrong).unwrap();
            assert!(line.starts_with("video_status, example running: Prism answers 20"), "{line}");
        }
        assert!(difference("video_status", &running, "").is_some());
    }
}
