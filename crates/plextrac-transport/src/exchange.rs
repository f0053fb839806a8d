//! What requests and answers look like, without any value that is in them.
//!
//! For reports on an instance. An answer to a sign-in holds a token; its outline holds the names of headers and fields,
//! and kinds of values.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One authentication request and its answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The method of the request.
    pub method: &'static str,
    /// The path, after the base URL of the instance.
    pub path: &'static str,
    /// The answer; `None` if none came.
    pub answer: Option<Outline>,
    /// From the start of the request to the last byte of the answer, or to its failure.
    pub took: Duration,
}

/// The outline of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
    /// The status code.
    pub status: u16,
    /// The names of the headers, in the order of the server.
    pub header_names: Vec<String>,
    /// If the body is JSON: the path of each field and the kind of its value, such as `data.token` and `string`.
    pub fields: Option<Vec<(String, &'static str)>>,
}

/// Whom to report exchanges to.
#[derive(Clone)]
pub(crate) struct ExchangeSink(pub(crate) Arc<dyn Fn(&Exchange) + Send + Sync>);

/// Fields that are deeper, or more, are left out.
const DEEPEST: usize = 8;
const MOST_FIELDS: usize = 200;

/// A name that could be a value in the place of a name is not shown.
const OTHER: &str = "(other)";

impl Outline {
    pub(crate) fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut fields = Vec::new();
        let mut json = serde_json::Deserializer::from_slice(body);
        let walk = Walk { path: String::new(), depth: 0, fields: &mut fields };
        let is_json = walk.deserialize(&mut json).and_then(|()| json.end()).is_ok();
        Self {
            status,
            header_names: headers.iter().map(|(name, _)| name_of(name.as_str())).collect(),
            fields: is_json.then_some(fields),
        }
    }
}

fn name_of(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    let has_digits = name.as_bytes().windows(6).any(|run| run.iter().all(u8::is_ascii_digit));
    let is_plain = !name.is_empty() && name.len() <= 40 && name.chars().all(is_name) && !has_digits;
    if is_plain { name.to_owned() } else { OTHER.to_owned() }
}

/// Walks through JSON and keeps no value.
struct Walk<'a> {
    path: String,
    depth: usize,
    fields: &'a mut Vec<(String, &'static str)>,
}

impl Walk<'_> {
    fn note<E>(self, kind: &'static str) -> Result<(), E> {
        if self.fields.len() < MOST_FIELDS && !self.fields.iter().any(|(path, _)| *path == self.path) {
            self.fields.push((self.path, kind));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.note("boolean")
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.note("number")
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.note("number")
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.note("number")
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.note("string")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.note("null")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let path = format!("{}[]", self.path);
        let Self { depth, fields, .. } = self;
        let mut is_empty = true;
        if depth < DEEPEST {
            while items.next_element_seed(Walk { path: path.clone(), depth: depth + 1, fields })?.is_some() {
                is_empty = false;
            }
        } else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        }
        if is_empty { Walk { path, depth, fields }.note("list") } else { Ok(()) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { path, depth, fields } = self;
        let mut is_empty = true;
        while let Some(key) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            if depth >= DEEPEST {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            is_empty = false;
            let name = name_of(&key);
            let path = if path.is_empty() { name } else { format!("{path}.{name}") };
            entries.next_value_seed(Walk { path, depth: depth + 1, fields })?;
        }
        if is_empty && !path.is_empty() { Walk { path, depth, fields }.note("object") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(body: &str) -> Option<Vec<(String, &'static str)>> {
        Outline::of(200, &HeaderMap::new(), body.as_bytes()).fields
    }

    #[test]
    fn an_outline_has_names_and_kinds_and_no_value() {
        let body = r#"{"status":"success","data":{"token":"hunter2","tenant_id":0,"roles":[{"id":1},{"id":2}],
            "none":null,"empty":{},"list":[]},"ok":true}"#;
        let fields = outline(body).unwrap();
        let shown: Vec<String> = fields.iter().map(|(path, kind)| format!("{path}: {kind}")).collect();
        assert_eq!(
            shown,
            [
                "status: string",
                "data.token: string",
                "data.tenant_id: number",
                "data.roles[].id: number",
                "data.none: null",
                "data.empty: object",
                "data.list[]: list",
                "ok: boolean"
            ]
        );
        assert_eq!(outline("<html>hunter2</html>"), None);
        assert_eq!(outline(r#"{"a":1} hunter2"#), None);
    }

    #[test]
    fn a_name_that_could_be_a_value_is_not_shown() {
        for name in ["me@acme.example", "123456", "eyJ.x.y", "", "two words", &"x".repeat(41)] {
            assert_eq!(
                outline(&format!(r#"{{"{name}":1}}"#)).unwrap(),
                [(OTHER.to_owned(), "number")],
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_deep_or_long_is_left_out() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert!(outline(&deep).unwrap().len() <= 1);
        let long: Vec<String> = (0..1000).map(|n| format!(r#""a{n}":1"#)).collect();
        assert_eq!(outline(&format!("{{{}}}", long.join(","))).unwrap().len(), MOST_FIELDS);
    }
}
