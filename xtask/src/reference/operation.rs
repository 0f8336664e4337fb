//! One operation: what it takes, what it answers, what can go wrong, and how to call it.

use serde_json::Value;

use super::html::{self, Html, Text};
use super::{follow, markdown, provenance, schema, text};
use crate::contract::{Contract, Operation, entries};

pub(super) fn render(contract: &Contract, operation: &Operation<'_>) -> Result<Html, String> {
    let id = html::anchor(operation.id().unwrap_or_default());
    let value = operation.value;
    let mut out = Html::new();
    out.line(format_args!("<article id=\"{id}\" aria-labelledby=\"{id}-title\">"));
    let summary = Text(text(value, "/summary"));
    out.line(format_args!("<h3 id=\"{id}-title\"><a href=\"#{id}\">{summary}</a></h3>"));
    let (method, path) = (operation.method.to_uppercase(), Text(operation.path));
    out.line(format_args!(
        "<p class=\"route\"><b>{method}</b> <code>{path}</code> <code class=\"id\">{id}</code></p>"
    ));
    out.part(format_args!("{}", markdown::block(text(value, "/description"))));
    parameters(&mut out, contract, operation)?;
    body(&mut out, contract, value)?;
    answers(&mut out, contract, operation)?;
    samples(&mut out, value);
    out.line(format_args!("</article>"));
    Ok(out)
}

fn parameters(out: &mut Html, contract: &Contract, operation: &Operation<'_>) -> Result<(), String> {
    let mut rows = Html::new();
    for (_, parameter) in operation.parameters() {
        let parameter = follow(contract, parameter)?;
        let need = if parameter["required"] == true { "required" } else { "optional" };
        let schema = &parameter["schema"];
        rows.line(format_args!(
            "<tr><th scope=\"row\"><code>{}</code> <small>{} · {need}</small></th><td>{}{}<div class=\"type\">{}</div>{}</td></tr>",
            Text(text(parameter, "/name")),
            Text(text(parameter, "/in")),
            markdown::line(text(parameter, "/description")),
            provenance(parameter),
            schema::kind(contract, schema)?,
            example(parameter),
        ));
    }
    table(out, "Parameters", &rows);
    Ok(())
}

fn body(out: &mut Html, contract: &Contract, operation: &Value) -> Result<(), String> {
    let Some(body) = operation.get("requestBody") else {
        return Ok(());
    };
    let body = follow(contract, body)?;
    let need = if body["required"] == true { "required" } else { "optional" };
    out.line(format_args!("<h4>Body <small>{need}</small></h4>"));
    out.part(format_args!("{}", markdown::block(text(body, "/description"))));
    for (media, content) in entries(body.get("content")) {
        let kind = schema::kind(contract, &content["schema"])?;
        out.line(format_args!("<p><code>{}</code>: {kind}</p>", Text(media)));
        let mut rows = Html::new();
        schema::properties(&mut rows, contract, follow(contract, &content["schema"])?)?;
        table(out, "", &rows);
        examples(out, contract, content)?;
    }
    Ok(())
}

fn answers(out: &mut Html, contract: &Contract, operation: &Operation<'_>) -> Result<(), String> {
    out.line(format_args!("<h4>Answers</h4>"));
    for (status, answer) in operation.responses() {
        let answer = follow(contract, answer)?;
        let codes = codes(contract, answer)?;
        let good = if status.starts_with('2') { "good" } else { "bad" };
        let description = markdown::line(text(answer, "/description"));
        out.line(format_args!("<details class=\"answer\">"));
        out.line(format_args!(
            "<summary><b class=\"{good}\">{}</b> {codes}<span>{description}</span></summary>",
            Text(status)
        ));
        for (name, header) in entries(answer.get("headers")) {
            let header = follow(contract, header)?;
            out.line(format_args!(
                "<p>Header <code>{}</code>: {}{}</p>",
                Text(name),
                markdown::line(text(header, "/description")),
                example(header)
            ));
        }
        for (media, content) in entries(answer.get("content")) {
            let kind = schema::kind(contract, &content["schema"])?;
            out.line(format_args!("<p><code>{}</code>: {kind}</p>", Text(media)));
            examples(out, contract, content)?;
        }
        links(out, contract, answer)?;
        out.line(format_args!("</details>"));
    }
    Ok(())
}

/// The codes of the errors that the examples of an answer show.
fn codes(contract: &Contract, answer: &Value) -> Result<Html, String> {
    let mut seen: Vec<&str> = Vec::new();
    for (_, content) in entries(answer.get("content")) {
        for (_, example) in entries(content.get("examples")) {
            let code = follow(contract, example)?.pointer("/value/error/code").and_then(Value::as_str);
            seen.extend(code.filter(|code| !seen.contains(code)));
        }
    }
    let mut codes = Html::new();
    for code in seen {
        codes.part(format_args!("<code>{}</code> ", Text(code)));
    }
    Ok(codes)
}

fn links(out: &mut Html, contract: &Contract, answer: &Value) -> Result<(), String> {
    let mut next = Html::new();
    for (_, link) in entries(answer.get("links")) {
        let link = follow(contract, link)?;
        let (id, description) = (text(link, "/operationId"), markdown::line(text(link, "/description")));
        next.line(format_args!(
            "<li><a href=\"#{}\"><code>{}</code></a>: {description}</li>",
            html::anchor(id),
            Text(id)
        ));
    }
    if !next.is_empty() {
        out.part(format_args!("<p>What can follow:</p>\n<ul>\n{next}</ul>\n"));
    }
    Ok(())
}

fn examples(out: &mut Html, contract: &Contract, content: &Value) -> Result<(), String> {
    for (_, example) in entries(content.get("examples")) {
        let example = follow(contract, example)?;
        let summary = text(example, "/summary");
        out.line(format_args!("<details class=\"example\"><summary>Example: {}</summary>", Text(summary)));
        out.part(format_args!("{}", html::json(&format!("Example: {summary}"), &example["value"])));
        out.line(format_args!("</details>"));
    }
    Ok(())
}

fn samples(out: &mut Html, operation: &Value) {
    for sample in operation["x-codeSamples"].as_array().into_iter().flatten() {
        let label = text(sample, "/label");
        out.line(format_args!("<h4>With {}</h4>", Text(label)));
        out.part(format_args!("{}", html::code(&format!("Call with {label}"), text(sample, "/source"))));
    }
}

fn example(value: &Value) -> Html {
    match value.get("example") {
        Some(Value::String(example)) => {
            Html::from(format!(" <span class=\"eg\">e.g. <code>{}</code></span>", Text(example)))
        }
        Some(example) => {
            Html::from(format!(" <span class=\"eg\">e.g. <code>{}</code></span>", Text(&example.to_string())))
        }
        None => Html::new(),
    }
}

fn table(out: &mut Html, title: &str, rows: &Html) {
    if rows.is_empty() {
        return;
    }
    if !title.is_empty() {
        out.line(format_args!("<h4>{}</h4>", Text(title)));
    }
    out.part(format_args!("<table>\n<tbody>\n{rows}</tbody>\n</table>\n"));
}
