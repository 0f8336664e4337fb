//! A text as a tree whose values know their lines. serde reads types from it, with errors that name their place.

use std::fmt;

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ReadError, Segment, Wrong};
use super::names::shortened;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Known in TOML.
    pub(crate) line: Option<usize>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Table(Vec<Field>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) line: Option<usize>,
    pub(crate) value: Node,
}

const TOO_LARGE: &str = "the number is too large";

/// Line and column, counted from 1, and what is wrong there.
type SyntaxError = (Option<(usize, usize)>, String);

impl Node {
    pub(super) fn from_toml(text: &str) -> Result<Self, SyntaxError> {
        let error = |error: toml::de::Error| {
            let at = error.span().map(|span| {
                let before = text.get(..span.start).unwrap_or(text);
                let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
                (before.matches('\n').count() + 1, column)
            });
            (at, error.message().to_owned())
        };
        let table = DeTable::parse(text).map_err(error)?;
        let starts = Lines::of(text);
        Ok(Self { line: None, kind: starts.table(table.get_ref())? })
    }

    pub(super) fn from_json(text: &str) -> Result<Self, SyntaxError> {
        if text.trim().is_empty() {
            return Err((None, "the text is empty, and must be JSON".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let wrong = error.to_string();
            (Some((error.line(), error.column())), wrong.strip_suffix(&place).unwrap_or(&wrong).to_owned())
        })
    }
}

/// Where the lines of a text start.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    fn at<T>(&self, value: &Spanned<T>) -> Option<usize> {
        Some(self.0.partition_point(|start| *start <= value.span().start) + 1)
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Kind, SyntaxError> {
        let field = |(name, value): (&Spanned<_>, _)| -> Result<Field, SyntaxError> {
            let name: &Spanned<std::borrow::Cow<'_, str>> = name;
            Ok(Field { name: name.get_ref().to_string(), line: self.at(name), value: self.node(value)? })
        };
        let mut fields = table.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        fields.sort_by_key(|field| field.line);
        Ok(Kind::Table(fields))
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, SyntaxError> {
        let line = self.at(value);
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Boolean(truth) => Kind::Bool(*truth),
            DeValue::Datetime(at) => Kind::Text(at.to_string()),
            DeValue::Float(number) => Kind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                Kind::Integer(number.map_err(|_| (line.map(|line| (line, 1)), TOO_LARGE.to_owned()))?)
            }
            DeValue::Array(items) => {
                Kind::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => self.table(table)?,
        };
        Ok(Node { line, kind })
    }
}

/// From JSON. A key that is there twice is rejected.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let kind = from.deserialize_any(FromJson)?;
        Ok(Self { line: None, kind })
    }
}

struct FromJson;

impl<'de> Visitor<'de> for FromJson {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(truth))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Kind, E> {
        i64::try_from(number).map(Kind::Integer).map_err(|_| E::custom(TOO_LARGE))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Integer(number))
    }

    /// In JSON 503.0 is an integer.
    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
        Ok(if is_whole { Kind::Integer(number as i64) } else { Kind::Float(number) })
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut seen = std::collections::HashSet::new();
        let mut fields = Vec::new();
        while let Some(name) = entries.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("the key \"{}\" is there twice", shortened(&name))));
            }
            fields.push(Field { name, line: None, value: entries.next_value()? });
        }
        Ok(Kind::Table(fields))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match &self.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(truth) => visitor.visit_bool(*truth),
            Kind::Integer(number) => visitor.visit_i64(*number),
            Kind::Float(number) => visitor.visit_f64(*number),
            Kind::Text(text) => visitor.visit_borrowed_str(text),
            Kind::List(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Kind::Table(fields) => visitor.visit_map(Fields::of(fields)),
        };
        read.map_err(|error| error.at(self.line))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let found = match &self.kind {
            Kind::Table(_) => return self.deserialize_any(visitor),
            Kind::Null => Unexpected::Unit,
            Kind::Bool(truth) => Unexpected::Bool(*truth),
            Kind::Integer(number) => Unexpected::Signed(*number),
            Kind::Float(number) => Unexpected::Float(*number),
            Kind::Text(text) => Unexpected::Str(text),
            Kind::List(_) => Unexpected::Seq,
        };
        Err(ReadError::invalid_type(found, &"a table").at(self.line))
    }

    /// An optional field is absent or has a value.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let variant = match &self.kind {
            Kind::Text(name) => Variant { name, line: self.line, fields: &[] },
            Kind::Table(fields) => match fields.as_slice() {
                [Field { name, line, value: Node { kind: Kind::Table(fields), .. } }] => {
                    Variant { name, line: *line, fields }
                }
                _ => return Err(ReadError::invalid_type(Unexpected::Map, &"text").at(self.line)),
            },
            _ => return self.deserialize_str(visitor),
        };
        visitor.visit_enum(variant)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Node>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.0.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|error| error.at(node.line).within(Segment::Index(index)))
    }
}

struct Fields<'de> {
    left: std::slice::Iter<'de, Field>,
    current: Option<&'de Field>,
}

impl<'de> Fields<'de> {
    fn of(fields: &'de [Field]) -> Self {
        Self { left: fields.iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.current = self.left.next();
        let Some(field) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, ReadError> = field.name.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|error| error.at(field.line))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let field = self.current.take().expect("serde reads a key before its value");
        seed.deserialize(&field.value)
            .map_err(|error| error.at(field.value.line).within(Segment::Key(field.name.clone())))
    }
}

/// A variant of an enum and its fields.
struct Variant<'de> {
    name: &'de str,
    line: Option<usize>,
    fields: &'de [Field],
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ReadError;
    type Variant = Self;

    /// Dashes in the name count as underscores.
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let name: StringDeserializer<ReadError> = self.name.replace('-', "_").into_deserializer();
        Ok((seed.deserialize(name).map_err(|error| error.at(self.line))?, self))
    }
}

impl<'de> Variant<'de> {
    fn within(&self, error: ReadError) -> ReadError {
        error.within(Segment::Variant(self.name.replace('-', "_")))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.fields {
            [] => Ok(()),
            [field, ..] => {
                let wrong = Wrong::UnknownField { name: field.name.clone(), known: &[] };
                Err(self.within(ReadError::new(wrong).at(field.line)))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, ReadError> {
        Err(ReadError::custom("expected fields with names"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(ReadError::custom("expected fields with names"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(Fields::of(self.fields)).map_err(|error| self.within(error))
    }
}
