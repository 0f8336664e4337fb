//! Lists of values as enums: closed ones, whose values are only sent, and open ones, which may grow. Text is compared
//! without ASCII case, since services disagree about it.

/// A text that is none of the values of a closed vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownValue {
    /// The text.
    pub value: String,
    /// What it could have been.
    pub known: &'static [&'static str],
}

impl std::fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} is not one of {}", self.value, self.known.join(", "))
    }
}

impl std::error::Error for UnknownValue {}

/// What both kinds share: the wire's spelling, `Display`, `Serialize` and the JSON Schema.
macro_rules! common_impls {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

macro_rules! closed_vocabulary {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant),+
        }

        impl $name {
            /// Every value, as the wire spells it.
            pub const KNOWN: &'static [&'static str] = &[$($value),+];

            /// The value as the wire spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value),+
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::vocabulary::UnknownValue;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                $(if value.eq_ignore_ascii_case($value) {
                    return Ok(Self::$variant);
                })+
                Err(crate::vocabulary::UnknownValue { value: value.to_owned(), known: Self::KNOWN })
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                value.parse().map_err(serde::de::Error::custom)
            }
        }

        #[cfg(feature = "schemars")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": Self::KNOWN})
            }
        }

        crate::vocabulary::common_impls!($name);
    };
}

macro_rules! open_vocabulary {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $value:literal $(| $synonym:literal)*),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $value, "`")]
                $(#[doc = concat!(", also read from `", $synonym, "`")])*
                $variant,
            )+
            /// A value that this version does not know, as the server spelt it.
            Unknown(String),
        }

        impl $name {
            /// The values known to this version, as the wire spells them.
            pub const KNOWN: &'static [&'static str] = &[$($value),+];

            /// The value as the wire spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Unknown(value) => value,
                }
            }
        }

        /// An empty text: no value at all.
        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                $(if [$value $(, $synonym)*].iter().any(|known| value.eq_ignore_ascii_case(known)) {
                    return Self::$variant;
                })+
                Self::Unknown(value.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(value.as_ref()))
            }
        }

        #[cfg(feature = "schemars")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "x-extensible-enum": Self::KNOWN})
            }
        }

        crate::vocabulary::common_impls!($name);
    };
}

pub(crate) use {closed_vocabulary, common_impls, open_vocabulary};

#[cfg(test)]
mod tests {
    use crate::{AspectRatio, JobState, Preference, Resolution};

    #[test]
    fn an_open_vocabulary_keeps_a_value_it_does_not_know() {
        let state: JobState = serde_json::from_str(r#""paused""#).unwrap();
        assert_eq!(state, JobState::Unknown("paused".into()));
        assert_eq!(serde_json::to_string(&state).unwrap(), r#""paused""#);
        assert!(!state.is_final());
    }

    #[test]
    fn synonyms_are_read_as_the_contracts_own_word() {
        for (synonym, state) in [
            ("completed", JobState::Succeeded),
            ("complete", JobState::Succeeded),
            ("done", JobState::Succeeded),
            ("canceled", JobState::Cancelled),
            ("pending", JobState::Queued),
            ("processing", JobState::Running),
            ("in_progress", JobState::Running),
            ("active", JobState::Running),
        ] {
            assert_eq!(JobState::from(synonym), state);
        }
        assert!(JobState::from("expired").is_final());
    }

    #[test]
    fn values_are_compared_without_ascii_case() {
        for (text, state) in [
            ("SUCCEEDED", JobState::Succeeded),
            ("Completed", JobState::Succeeded),
            ("DONE", JobState::Succeeded),
            ("Failed", JobState::Failed),
            ("CANCELED", JobState::Cancelled),
            ("Pending", JobState::Queued),
            ("In_Progress", JobState::Running),
        ] {
            assert_eq!(JobState::from(text), state);
            assert_eq!(serde_json::from_value::<JobState>(text.into()).unwrap(), state);
        }
        assert!(JobState::from("EXPIRED").is_final());
        assert_eq!(
            JobState::from("EXPIRED").as_str(),
            "EXPIRED",
            "an unknown value stays as the server spelt it"
        );
        assert!(!JobState::from("Paused").is_final());
        assert_eq!(Resolution::from("1080P"), Resolution::P1080);
        assert_eq!(Resolution::from("4K"), Resolution::Uhd4k);
        assert_eq!("Cheapest".parse(), Ok(Preference::Cheapest));
    }

    #[test]
    fn every_state_of_the_contract_is_known_to_be_final_or_not() {
        let known = [
            ("queued", false),
            ("running", false),
            ("succeeded", true),
            ("failed", true),
            ("cancelled", true),
            ("expired", true),
        ];
        for (state, is_final) in known {
            assert_eq!(JobState::from(state).is_final(), is_final, "{state}");
        }
        for state in JobState::KNOWN {
            assert!(
                known.iter().any(|(known, _)| known == state),
                "is a job in the state {state} final? Say so in `is_final` of crates/infrai-video-client/src/lib.rs, and here"
            );
        }
    }

    #[test]
    fn a_closed_vocabulary_names_what_it_takes() {
        let error = "5:4".parse::<AspectRatio>().unwrap_err();
        assert_eq!(error.to_string(), r#""5:4" is not one of 16:9, 9:16, 1:1"#);
    }
}
