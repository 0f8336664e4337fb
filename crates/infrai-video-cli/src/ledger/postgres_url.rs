//! The URL of a PostgreSQL database in the form that sqlx reads. It is displayed without its user, password and parameters.

use std::borrow::Cow;
use std::fmt;

use url::{ParseError, Url};

/// Parameters whose value may contain `@`. Anywhere else it is part of a password that was not escaped.
const FREE_TEXT: [&str; 4] = ["user", "password", "application_name", "options"];

/// A URL that is unambiguous: no part of it is the rest of a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl(Url);

impl PostgresUrl {
    /// Parses `postgres://USER:PASSWORD@HOST:PORT/NAME?PARAMETERS`, of which every part but the scheme may be missing.
    ///
    /// `None` if an unescaped `/`, `?`, `#` or `@` makes a part of the password look like another part of the URL.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = match Url::parse(text) {
            Err(ParseError::EmptyHost) => without_host(text)?,
            parsed => parsed.ok()?,
        };
        is_unambiguous(&url).then_some(Self(url))
    }

    /// Whether it contains a password: before the host, in a parameter, or in what was meant to be one.
    pub(super) fn has_password(&self) -> bool {
        let names_one = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.contains("password") || ["pass", "pwd"].contains(&text.as_str())
        };
        let is_password =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| names_one(&name) || value.contains("password=");
        self.0.password().is_some() || self.0.query_pairs().any(is_password)
    }

    /// The complete URL, only for sqlx.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// The URL standard allows no user with an empty host, which libpq treats as the local socket. Parameters can express the same.
fn without_host(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user_info, port) = authority.rsplit_once('@').unwrap_or(("", authority));
    let host = Url::parse(&format!("{scheme}://{user_info}@host{port}")).ok()?;
    let mut url = Url::parse(&format!("{scheme}://{path}")).ok()?;
    // They are percent-encoded already. `+` and `&` are special only in a query.
    let escaped = |text: &str| text.replace('+', "%2B").replace('&', "%26");
    let mut query: Vec<String> = Vec::new();
    if !host.username().is_empty() {
        query.push(format!("user={}", escaped(host.username())));
    }
    query.extend(host.password().map(|password| format!("password={}", escaped(password))));
    query.extend(host.port().map(|port| format!("port={port}")));
    // Parameters of the URL come last and take precedence.
    query.extend(url.query().map(str::to_owned));
    url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
    Some(url)
}

fn is_unambiguous(url: &Url) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]".contains(c);
    let has_plain_parameters = url.query().unwrap_or_default().split('&').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name =
            url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
        name.chars().all(is_name) && (!value.contains('@') || FREE_TEXT.contains(&&*name))
    });
    let path = url.path();
    let has_one_name = !path.trim_start_matches('/').contains(['@', '/']) && !path.starts_with("//");
    !url.cannot_be_a_base() && url.fragment().is_none() && has_one_name && has_plain_parameters
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}{}", self.0.host_str().unwrap_or_default(), self.0.path())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::postgres::PgConnectOptions;

    use super::*;

    fn options(text: &str) -> PgConnectOptions {
        PostgresUrl::parse(text).unwrap_or_else(|| panic!("{text}")).as_str().parse().unwrap()
    }

    #[test]
    fn the_host_is_optional_after_a_user() {
        for text in [
            "postgres://u%40x:p%26+%2F@/db?host=/run/x",
            "postgresql://u%40x:p%26+%2F@:5432/db?host=/run/x",
            "postgres:///db?host=/run/x&user=u%40x&password=p%26%2B%2F",
        ] {
            let options = options(text);
            assert_eq!(options.get_username(), "u@x", "{text}");
            assert_eq!(options.get_database(), Some("db"), "{text}");
            assert_eq!(options.get_socket().unwrap().to_str(), Some("/run/x"), "{text}");
            assert!(options.to_url_lossy().as_str().contains("p%26%2B%2F"), "{text}");
            let url = PostgresUrl::parse(text).unwrap();
            assert!(url.has_password());
            assert_eq!(format!("{url} {url:?}"), "postgres:///db postgres:///db");
        }
        assert!(!PostgresUrl::parse("postgres://me@/db?host=/run/x").unwrap().has_password());
        assert_eq!(options("postgres://@/db?user=a").get_username(), "a");
        assert_eq!(options("postgres://a@/db?user=b").get_username(), "b");
    }

    #[test]
    fn a_password_is_found_in_every_part_of_the_url() {
        for text in [
            "postgres://me:secret@db/l",
            "postgresql://me:s%40cret@db:5432/l",
            "postgres://:secret@db/l",
            "postgres://me:sec@ret@db/l",
            "postgres://db/l?password=secret",
            "postgres://db/l?%70assword=s%2Fcret&sslmode=require",
            "postgres://db/l?sslpassword=secret",
            "postgres://db/l?user=me;password=secret",
            "postgres://db/l?pwd=secret",
            "POSTGRES://me:secret@db/l",
        ] {
            let url = PostgresUrl::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert!(url.has_password(), "{text}");
            assert_eq!(format!("{url} {url:?}"), "postgres://db/l postgres://db/l");
        }
        for text in [
            "postgres://db/l",
            "postgres://me@db/l?sslmode=require&channel_binding=require",
            "postgres://%2Frun%2Fx/l",
            "postgres://db",
        ] {
            assert!(!PostgresUrl::parse(text).unwrap_or_else(|| panic!("{text}")).has_password(), "{text}");
        }
    }

    #[test]
    fn a_url_with_an_unescaped_password_is_rejected() {
        for text in [
            "postgres://me:sec/ret@db/l",
            "postgres://me:12/ret@db/l",
            "postgres://me:s@ec/ret@db/l",
            "postgres://me:12/ret@db",
            "postgres://me:12?ret@db/l",
            "postgres://me:12?x=ret@db/l",
            "postgres://me:12#ret@db/l",
            "postgres://me:sec#ret@db/l",
            "postgres:me:secret@db/l",
            "postgres:/me:secret@db/l",
            "postgres:///me:secret@db/l",
            "postgres://db/l/secret",
            "postgres://[secret/l",
        ] {
            assert!(PostgresUrl::parse(text).is_none(), "{text}");
        }
    }
}
