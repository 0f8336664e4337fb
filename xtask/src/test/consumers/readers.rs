//! Clients of further generators, made with the generators' defaults: each reads every golden response, and a job's error of
//! any shape.
//!
//! A program in `tests/consumers/readers` finds the cases in the file `CASES`. It decodes the body of each with the generated
//! type of its schema, encodes it again, and writes what came out into the file `READ`: a list for each client by its name.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::openapi_generator::{self, generate, jar};
use super::{Child, Context, Language, Outcome, Workshop, carry_out, failed, go, installed};
use crate::contract::Contract;
use crate::fixtures::Fixtures;
use crate::json_schema::Validators;
use crate::tools::{node, python};

/// The programs, as [`super::LANGUAGES`].
pub(super) const LANGUAGES: [Language; 6] = [
    ("readers/typescript", typescript, &[RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("readers/python", python, &[RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("readers/go", go::prepare_reader, &[go::RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("readers/php", php, &[RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("readers/ruby", ruby, &[RULES, openapi_generator::RULES, openapi_generator::VERSION]),
    ("readers/rust", rust, &[RULES, openapi_generator::RULES, openapi_generator::VERSION]),
];

/// This file, which decides how they are made.
const RULES: &str = include_str!("readers.rs");

/// What a job's error may be beside the shapes in the examples.
const JOB_ERRORS: [(&str, &str); 7] = [
    ("null", "null"),
    ("a number", "7"),
    ("a truth value", "true"),
    ("a list", r#"["a", 1]"#),
    ("an empty object", "{}"),
    ("a code alone", r#"{"code": "CONTENT_REJECTED"}"#),
    ("an object of another shape", r#"{"reason": {"text": "no", "more": [1, true]}}"#),
];

/// The golden responses of all operations, and a failed job with errors of other shapes.
///
/// # Errors
/// If the document has no such job, or a response without a named schema: in words.
pub(super) fn cases(contract: &Contract, fixtures: &[Fixtures]) -> Result<Vec<Value>, String> {
    let validators = Validators::new(&contract.value).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for operation in contract.operations() {
        let id = operation.id().unwrap_or_default();
        let golden = fixtures.iter().filter(|fixtures| fixtures.operation == id);
        for case in golden.flat_map(|fixtures| &fixtures.cases) {
            let (name, response) = (case["name"].as_str().unwrap_or_default(), &case["response"]);
            let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let schema = validators.response(operation.method, operation.path, status.unwrap_or_default());
            let schema = schema.ok_or_else(|| format!("{id} {name} has no named schema; give it one"))?;
            cases.push(json!({
                "name": format!("{id} {name}"), "operation": id, "status": status, "schema": schema, "body": response["body"],
            }));
        }
    }
    let failed = cases.iter().find(|case| case["name"] == "video_status failed");
    let failed = failed.ok_or("video_status has no example `failed`; add it")?.clone();
    for (name, error) in JOB_ERRORS {
        let mut case = failed.clone();
        case["name"] = format!("video_status failed with {name}").into();
        case["body"]["data"]["error"] =
            serde_json::from_str(error).map_err(|error| format!("{name}: {error}"))?;
        cases.push(case);
    }
    Ok(cases)
}

/// Compares what a program read with the cases. Says how many clients it has.
pub(super) fn judge(cases: &[Value], read: &[u8]) -> Result<usize, Outcome> {
    let clients: BTreeMap<String, Vec<Value>> = serde_json::from_slice(read)
        .map_err(|error| Outcome::Failed(format!("the program wrote something else than lists: {error}")))?;
    for (client, values) in &clients {
        if values.len() != cases.len() {
            return Err(Outcome::Failed(format!("{client} read {} of {} cases", values.len(), cases.len())));
        }
        for (case, value) in cases.iter().zip(values) {
            if meaning(value) != meaning(&case["body"]) {
                let name = case["name"].as_str().unwrap_or_default();
                return Err(Outcome::Failed(format!("{client} read {name} as {value}")));
            }
        }
    }
    if clients.is_empty() { Err(Outcome::Failed("it has no client".to_owned())) } else { Ok(clients.len()) }
}

/// A value without how it is written: absent and null mean the same, and so do 5 and 5.0, and the forms of a time in UTC.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let said = members.iter().filter(|(_, member)| !member.is_null());
            Value::Object(said.map(|(name, member)| (name.clone(), meaning(member))).collect())
        }
        Value::Array(items) => items.iter().map(meaning).collect(),
        Value::Number(number) => number.as_f64().into(),
        Value::String(text) => match text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z')) {
            Some(time) => format!("{}Z", time.trim_end_matches(".000")).into(),
            None => text.as_str().into(),
        },
        other => other.clone(),
    }
}

fn typescript(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    if !Child::new("node", &workshop.root).arguments("--version").works() {
        return Err(Outcome::Skipped("install Node 20 or later".to_owned()));
    }
    let jar = jar(context, workshop)?;
    let place = &workshop.place;
    let packages =
        node::packages(&workshop.root, "typescript-readers", &workshop.sources).map_err(Outcome::Skipped)?;
    let program = |name: &str| Child::new(packages.join("node_modules/.bin").join(name), place).named(name);
    workshop.once(|| {
        std::os::unix::fs::symlink(packages.join("node_modules"), place.join("node_modules"))
            .map_err(|error| failed(&error))?;
        generate(
            context,
            workshop,
            &jar,
            "--generator-name typescript-fetch --output src/openapi-generator",
        )?;
        let hey = program("openapi-ts").arguments("--no-log-file --output src/hey --input");
        carry_out(context, hey.argument(&workshop.document))?;
        let orval = program("orval").arguments("--output src/orval.ts --input");
        carry_out(context, orval.argument(&workshop.document))?;
        let typed = Child::new("node", place).arguments("typed.mjs").env("CASES", workshop.cases());
        carry_out(context, typed)?;
        carry_out(context, program("tsc").arguments("--project ."))
    })?;
    Ok(Child::new("node", place).arguments("dist/reader.js"))
}

fn python(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let place = &workshop.place;
    let requirements = workshop.sources.join("requirements.txt");
    let programs = python::environment(&workshop.root, "readers", &requirements).map_err(Outcome::Skipped)?;
    let programs = programs.join("bin");
    workshop.once(|| {
        generate(context, workshop, &jar, "--generator-name python --output client")?;
        let models = Child::new(programs.join("datamodel-codegen"), place)
            .arguments("--input-file-type openapi --output models.py --input")
            .argument(&workshop.document);
        carry_out(context, models.named("datamodel-codegen"))?;
        let compile =
            Child::new(programs.join("python"), place).arguments("-m compileall -q client models.py");
        carry_out(context, compile.named("compileall"))
    })?;
    Ok(Child::new(programs.join("python"), place).env("PYTHONPATH", "client").arguments("reader.py"))
}

fn php(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    installed(
        context,
        &[(
            "php",
            "-r require'GuzzleHttp/autoload.php';mb_strlen('');",
            "php-cli php-mbstring php-guzzlehttp-guzzle",
        )],
    )?;
    workshop.once(|| generate(context, workshop, &jar, "--generator-name php --output client"))?;
    Ok(Child::new("php", &workshop.place).arguments("reader.php"))
}

fn ruby(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    installed(context, &[("ruby", "-rtyphoeus -e 1", "ruby ruby-typhoeus")])?;
    workshop.once(|| generate(context, workshop, &jar, "--generator-name ruby --output client"))?;
    Ok(Child::new("ruby", &workshop.place).arguments("reader.rb"))
}

fn rust(context: &mut Context<'_>, workshop: &Workshop) -> Result<Child, Outcome> {
    let jar = jar(context, workshop)?;
    let target = workshop.root.join("target/consumers/rust");
    workshop.once(|| {
        generate(context, workshop, &jar, "--generator-name rust --output client")?;
        let cargo =
            Child::cargo(&workshop.place).arguments("build --locked").env("CARGO_TARGET_DIR", &target);
        carry_out(context, cargo)
    })?;
    Ok(Child::new(target.join("debug/reader"), &workshop.place))
}

/// Writes the cases where the programs find them.
pub(super) fn write(workshop: &Workshop, cases: &[Value]) -> Result<(), Outcome> {
    let text = serde_json::to_vec(cases).map_err(|error| Outcome::Failed(error.to_string()))?;
    let path = workshop.cases();
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| failed(&error))
}

/// Makes a program, runs it, and compares what it read. Gives the line to print.
pub(super) fn run(
    context: &mut Context<'_>,
    workshop: &Workshop,
    program: Child,
    cases: &[Value],
) -> Result<String, Outcome> {
    let read = workshop.place.join("read.json");
    let (outcome, _) = program
        .env("CASES", workshop.cases())
        .env("READ", &read)
        .run_to_last_line(context)
        .map_err(|error| failed(&error))?;
    if outcome != Outcome::Passed {
        return Err(outcome);
    }
    let clients = judge(cases, &fs::read(&read).map_err(|error| failed(&error))?)?;
    Ok(format!("{clients} client{} read {} cases", if clients == 1 { "" } else { "s" }, cases.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::DOCUMENT;
    use crate::fixtures::fixtures;
    use std::path::Path;

    #[test]
    fn the_cases_are_all_golden_responses_and_a_jobs_error_of_any_shape() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let contract = Contract::load(&root.join(DOCUMENT)).unwrap();
        let golden = fixtures(&contract).unwrap();
        let cases = cases(&contract, &golden).unwrap();
        assert_eq!(cases.len(), golden.iter().map(|file| file.cases.len()).sum::<usize>() + JOB_ERRORS.len());
        let validators = Validators::new(&contract.value).unwrap();
        for case in &cases {
            let schema = case["schema"].as_str().unwrap();
            assert_eq!(validators.validate(schema, &case["body"]), Ok(()), "{}", case["name"]);
        }
        let errors = cases.iter().filter_map(|case| case["body"].pointer("/data/error"));
        assert!(
            errors.clone().any(Value::is_string) && errors.clone().any(Value::is_object),
            "both known shapes"
        );
    }

    #[test]
    fn every_client_must_read_every_case_as_it_is() {
        let body =
            json!({"ok": true, "data": {"n": 5, "at": "2026-11-20T17:55:00Z", "error": "no"}, "error": null});
        let cases = [json!({"name": "one", "body": body})];
        let judge = |read: Value| judge(&cases, read.to_string().as_bytes());
        let same =
            json!({"ok": true, "data": {"n": 5.0, "at": "2026-11-20T17:55:00.000+00:00", "error": "no"}});
        assert_eq!(judge(json!({"a": [same], "b": [body]})), Ok(2));
        let without = json!({"ok": true, "data": {"n": 5, "at": "2026-11-20T17:55:00Z"}});
        for wrong in [json!({}), json!({"a": []}), json!({"a": [same], "b": [without]}), json!([same])] {
            assert!(matches!(judge(wrong.clone()), Err(Outcome::Failed(_))), "{wrong}");
        }
    }
}
