//! The origins of web pages that may call the API and the file host from a browser.

use super::settings::Origin;

/// Chosen origins. Pages on loopback are always allowed: they are served by this machine.
#[derive(Debug)]
pub(crate) struct AllowedOrigins(pub(crate) Vec<PageOrigin>);

/// The origin of a web page in its normal form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageOrigin(String);

impl AllowedOrigins {
    /// Whether a page with this `Origin` header may call the sandbox.
    pub(crate) fn allows(&self, header: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(header) else { return false };
        Origin::parse(text).is_ok_and(|origin| origin.host.is_loopback())
            || PageOrigin::parse(text).is_ok_and(|origin| self.0.contains(&origin))
    }
}

impl PageOrigin {
    /// A scheme, a host and maybe a port, or `null`, the origin of a page that was opened as a file.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "null" => Ok(Self(text.to_owned())),
            "*" => Err("would allow every page of the web: list each origin"),
            _ => Origin::parse(text).map(|origin| Self(origin.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_on_loopback_and_of_chosen_origins_are_allowed() {
        let chosen =
            ["https://App.example/", "http://b.example:80"].map(|text| PageOrigin::parse(text).expect(text));
        let origins = AllowedOrigins(chosen.into());
        for allowed in [
            "http://localhost:3000",
            "https://localhost",
            "http://127.0.0.1:9",
            "http://[::1]:9",
            "http://a.localhost",
            "https://app.example",
            "http://b.example",
        ] {
            assert!(origins.allows(allowed.as_bytes()), "{allowed}");
        }
        for other in [
            "",
            "null",
            "http://app.example",
            "https://app.example:444",
            "https://app.example.evil.example",
            "https://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "file://",
        ] {
            assert!(!origins.allows(other.as_bytes()), "{other}");
        }
        assert!(AllowedOrigins(vec![PageOrigin::parse("null").expect("an origin")]).allows(b"null"));
    }
}
