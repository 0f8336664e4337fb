//! The effective values, and where each comes from.

use infrai_video::{API_KEY_VARIABLE, BASE_URL_VARIABLE};
use toml::Spanned;

use crate::args::set;
use crate::config::{KeyKind, Settings};
use crate::context::Context;
use crate::failure::Failure;
use crate::ledger::{LEDGER_VARIABLE, STATE_VARIABLE};
use crate::schema::{ConfigReport, ConfigValue};
use crate::spending;

const DEFAULT: &str = "default";
const SANDBOX: &str = "--sandbox";

pub(super) fn run(ctx: &Context) -> Result<(), Failure> {
    let values = values(ctx)?;
    let file = ctx.config.path().map(|path| path.display().to_string());
    let profile = ctx.config.profile();
    if ctx.output.json {
        return ctx.output.json(&ConfigReport {
            file,
            profile: profile.map(|profile| profile.name.clone()),
            values,
        });
    }
    let path = file.clone().unwrap_or_default();
    let profile = match profile {
        Some(profile) => value("profile", Some(profile.name.clone()), profile.chosen_by),
        None => value("profile", None, DEFAULT),
    };
    let values = [value("file", file, ""), profile].into_iter().chain(values);
    if !ctx.output.stdout_is_terminal {
        return values
            .map(|value| [value.name.to_owned(), value.value.unwrap_or_default(), value.source])
            .try_for_each(|row| ctx.output.row(&row.each_ref().map(String::as_str)));
    }
    let lines: Vec<(&str, Option<String>)> = values
        .map(|value| {
            // The path is a line of its own.
            let source = value.source.replace(&format!("{path}:"), "line ");
            let source = if source.is_empty() { source } else { format!("  ({source})") };
            (value.name, Some(value.value.unwrap_or_else(|| "-".to_owned()) + &source))
        })
        .collect();
    ctx.output.fields(&lines)
}

fn values(ctx: &Context) -> Result<Vec<ConfigValue>, Failure> {
    let text = |value: &String| value.clone();
    let number = |value: &f64| value.to_string();
    Ok(vec![
        api_key(ctx),
        base_url(ctx),
        ledger(ctx)?,
        setting(ctx, "resolution", |settings| &settings.resolution, text),
        setting(ctx, "duration", |settings| &settings.duration, number),
        setting(ctx, "aspect_ratio", |settings| &settings.aspect_ratio, text),
        setting(ctx, "prefer", |settings| &settings.prefer, text),
        setting(ctx, "output", |settings| &settings.output, text),
        setting(ctx, "max_usd", |settings| &settings.max_usd, number),
        ConfigValue {
            value: Some(spending::ask_above(ctx).dollars().to_string()),
            ..setting(ctx, "ask_above_usd", |settings| &settings.ask_above_usd, number)
        },
    ])
}

fn value(name: &'static str, value: Option<String>, source: impl Into<String>) -> ConfigValue {
    ConfigValue { name, value, source: source.into() }
}

fn setting<T>(
    ctx: &Context,
    name: &'static str,
    of: impl Fn(&Settings) -> &Option<Spanned<T>>,
    shown: impl Fn(&T) -> String,
) -> ConfigValue {
    match ctx.config.with_place(of) {
        Some((set, place)) => value(name, Some(shown(set)), place),
        None => value(name, None, DEFAULT),
    }
}

/// Only whether there is a key, and where it comes from.
fn api_key(ctx: &Context) -> ConfigValue {
    let set_by = |source: String| value("api_key", Some("(not shown)".to_owned()), source);
    if ctx.options.sandbox() {
        return value("api_key", None, SANDBOX);
    }
    if set(API_KEY_VARIABLE).is_some() {
        return set_by(API_KEY_VARIABLE.to_owned());
    }
    match ctx.config.key_source() {
        None => value("api_key", None, DEFAULT),
        Some(source) => match &source.kind {
            KeyKind::Variable(name) if set(name).is_none() => {
                value("api_key", None, format!("{name}, which is not set ({})", source.place))
            }
            KeyKind::Variable(name) => set_by(format!("{name} ({})", source.place)),
            KeyKind::Command(_) => set_by(format!("key_command ({})", source.place)),
        },
    }
}

fn base_url(ctx: &Context) -> ConfigValue {
    if ctx.options.sandbox() {
        return value("base_url", None, SANDBOX);
    }
    let source = match (&ctx.options.base_url, ctx.config.with_place(|settings| &settings.base_url)) {
        (Some(_), _) => "--base-url".to_owned(),
        _ if set(BASE_URL_VARIABLE).is_some() => BASE_URL_VARIABLE.to_owned(),
        (None, Some((_, place))) => place,
        (None, None) => DEFAULT.to_owned(),
    };
    value("base_url", Some(ctx.service()), source)
}

fn ledger(ctx: &Context) -> Result<ConfigValue, Failure> {
    let location = Some(ctx.ledger_location()?.to_string());
    let source = match (&ctx.options.ledger, ctx.config.with_place(|settings| &settings.ledger)) {
        _ if ctx.options.sandbox() => SANDBOX.to_owned(),
        (Some(_), _) => "--ledger".to_owned(),
        _ if set(LEDGER_VARIABLE).is_some() => LEDGER_VARIABLE.to_owned(),
        (None, Some((_, place))) => place,
        _ if set(STATE_VARIABLE).is_some() => STATE_VARIABLE.to_owned(),
        (None, None) => DEFAULT.to_owned(),
    };
    Ok(value("ledger", location, source))
}
