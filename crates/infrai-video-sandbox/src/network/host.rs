//! Hosts of URLs and of `Host` headers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A name in lower case without a trailing dot, or an address. IPv4 addresses in IPv6 form are IPv4 addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// The host of an authority, whose form the crate http has checked.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::from(address).to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let ends_in_digits =
            name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        match ends_in_digits {
            true => ipv4(&name).map(|address| Self::Address(address.into())),
            false => Some(Self::Name(name)),
        }
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Address(address) => Some(*address),
        }
    }

    /// Whether a host is always this machine: `localhost`, names under it, and loopback addresses.
    pub(crate) fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.is_loopback(),
        }
    }
}

/// An IPv4 address of one to four decimal numbers, of which the last one fills the rest: `127.1` is `127.0.0.1`.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let decimal = |part: &str| {
        let is_octal = part.len() > 1 && part.starts_with('0');
        let is_decimal = !is_octal && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_decimal)
    };
    let numbers: Vec<u32> = text.split('.').map(decimal).collect::<Option<_>>()?;
    let (last, bytes) = numbers.split_last()?;
    let bits = 32_u32.checked_sub(8 * u32::try_from(bytes.len()).ok()?).filter(|bits| *bits > 0)?;
    if bytes.iter().any(|byte| *byte > 255) || u64::from(*last) >= 1 << bits {
        return None;
    }
    let places = [24, 16, 8];
    let high = bytes.iter().zip(places).fold(0, |address, (byte, place)| address | (byte << place));
    Some(Ipv4Addr::from(high | last))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        for (text, host) in [
            ("Sandbox.Example.", "sandbox.example"),
            ("127.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("10.0.7", "10.0.0.7"),
            ("[0:0::1]", "[::1]"),
            ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ] {
            assert_eq!(Host::parse(text).expect(text).to_string(), host);
        }
        for text in
            ["", ".", "127.0.0.1.1", "256.0.0.1", "127.0.0.256", "4294967296", "0177.0.0.1", "a.1", "[::g]"]
        {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }
}
