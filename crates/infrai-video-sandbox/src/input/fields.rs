//! The names that a type has in a text, as serde derives them.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

type Names = &'static [&'static str];

/// The fields of a struct.
pub(crate) fn fields_of<T: DeserializeOwned>() -> Names {
    names(T::deserialize(Probe(None)))
}

/// The variants of an enum, each with its fields.
pub(crate) fn variants_of<T: DeserializeOwned>() -> impl Iterator<Item = (&'static str, Names)> {
    let variants = names(T::deserialize(Probe(None)));
    variants.iter().map(|name| (*name, names(T::deserialize(Probe(Some(name))))))
}

fn names<T>(found: Result<T, Found>) -> Names {
    found.err().and_then(|found| found.0).unwrap_or_default()
}

/// A deserializer that fails with the names which a type asks for: of its fields, its variants, or the fields of a variant.
struct Probe(Option<&'static str>);

#[derive(Debug)]
struct Found(Option<Names>);

impl Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl Error for Found {
    fn custom<T: Display>(_: T) -> Self {
        Self(None)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: Names,
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(Some(fields)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: Names,
        visitor: V,
    ) -> Result<V::Value, Found> {
        match self.0 {
            Some(_) => visitor.visit_enum(self),
            None => Err(Found(Some(variants))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Probe {
    type Error = Found;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Found> {
        let name: StrDeserializer<'_, Found> = self.0.unwrap_or_default().into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Probe {
    type Error = Found;

    fn unit_variant(self) -> Result<(), Found> {
        Err(Found(None))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Found> {
        Err(Found(None))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Found> {
        Err(Found(None))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Names, _: V) -> Result<V::Value, Found> {
        Err(Found(Some(fields)))
    }
}
